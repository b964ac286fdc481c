//! GRP-2: what reflection says.

use axum::extract::Request;
use axum::middleware::{Next, from_fn};

use crate::entries::parts;
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![parts(
        "reflection-none",
        "GRP-2",
        "there is no reflection",
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
