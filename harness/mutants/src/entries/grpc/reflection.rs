//! GRP-2: the reflection service.

use axum::extract::Request;
use axum::middleware::{Next, from_fn};

use crate::entries::user_service_mutant;
use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    vec![user_service_mutant(
        "reflection-none",
        "GRP-2",
        "the reflection service is missing",
        |_, dependencies| {
            dependencies.wrap_grpc = Box::new(|router| {
                router.layer(from_fn(async |request: Request, next: Next| {
                    if request.uri().path().starts_with("/grpc.reflection.") {
                        return tonic::Status::unimplemented("").into_http();
                    }
                    next.run(request).await
                }))
            });
        },
    )]
}
