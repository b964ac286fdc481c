//! GRP-3: deadlines, limits and invalid messages.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tonic::Code;
use user_proto::v1;
use user_service::dependencies::Dependencies;
use user_service::store::{PgStore, Pool};

use crate::entries::user_service_mutant;
use crate::mutant::Mutant;

/// Replaces one status code in responses by another.
fn replace_code(dependencies: &mut Dependencies, from: Code, to: Code) {
    dependencies.wrap_grpc = Box::new(move |router| {
        router.layer(from_fn(move |request: Request, next: Next| async move {
            let mut response: Response = next.run(request).await;
            let code = response.headers().get("grpc-status").cloned();
            if code.is_some_and(|it| it == (from as i32).to_string()) {
                response
                    .headers_mut()
                    .insert("grpc-status", (to as i32).into());
            }
            response
        }))
    });
}

pub fn deadlines() -> Vec<Mutant> {
    vec![
        user_service_mutant(
            "deadline-of-unary-calls-alone",
            "GRP-3",
            "StreamUsers continues after its deadline",
            |_, dependencies| {
                dependencies.wrap_grpc = Box::new(|router| {
                    router.layer(from_fn(async |mut request: Request, next: Next| {
                        if request.uri().path().ends_with("/StreamUsers") {
                            request.headers_mut().remove("grpc-timeout");
                        }
                        next.run(request).await
                    }))
                });
            },
        ),
        user_service_mutant(
            "deadline-cancelled",
            "GRP-3",
            "a call past its deadline is CANCELLED",
            |_, dependencies| replace_code(dependencies, Code::DeadlineExceeded, Code::Cancelled),
        ),
        user_service_mutant(
            "deadline-leaves-statements",
            "GRP-3",
            "SQL statements of cancelled calls continue in the database",
            |settings, dependencies| {
                let pool = Pool::new(
                    settings.database.clone(),
                    settings.database_max_connections,
                    Duration::from_mins(1),
                );
                dependencies.store = std::sync::Arc::new(PgStore::new(pool));
            },
        ),
        user_service_mutant(
            "deadline-leaves-running-statements",
            "GRP-3",
            "the database limits only the wait for locks, not running statements",
            |settings, dependencies| {
                let options = settings.database.clone();
                let pool = Pool::new(
                    options.options([("lock_timeout", "1000")]),
                    settings.database_max_connections,
                    Duration::from_mins(1),
                );
                dependencies.store = std::sync::Arc::new(PgStore::new(pool));
            },
        ),
    ]
}

/// Changes the encoded message of every request, given the path.
fn change_request_messages(dependencies: &mut Dependencies, change: fn(&str, Vec<u8>) -> Vec<u8>) {
    dependencies.wrap_grpc = Box::new(move |router| {
        router.layer(from_fn(move |request: Request, next: Next| async move {
            let (head, body) = request.into_parts();
            if !head.uri.path().starts_with("/user.v1.") {
                return next.run(Request::from_parts(head, body)).await;
            }
            let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
            let message = bytes.get(5..).unwrap_or_default().to_vec();
            let message = change(head.uri.path(), message);
            let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
            let body = [&[0], &length.to_be_bytes()[..], &message[..]].concat();
            next.run(Request::from_parts(head, Body::from(body))).await
        }))
    });
}

/// Whether the bytes are a valid request message of the method.
fn is_valid_message(path: &str, message: &[u8]) -> bool {
    fn decodes<M: prost::Message + Default>(message: &[u8]) -> bool {
        M::decode(message).is_ok()
    }
    match path.rsplit('/').next().unwrap_or_default() {
        "CreateUser" => decodes::<v1::CreateUserRequest>(message),
        "UpdateUser" => decodes::<v1::UpdateUserRequest>(message),
        "GetUser" => decodes::<v1::GetUserRequest>(message),
        "DeleteUser" => decodes::<v1::DeleteUserRequest>(message),
        _ => decodes::<v1::ListUsersRequest>(message),
    }
}

pub fn messages() -> Vec<Mutant> {
    vec![
        user_service_mutant(
            "message-internal",
            "GRP-3",
            "a message that is too long fails with INTERNAL",
            |_, dependencies| replace_code(dependencies, Code::OutOfRange, Code::Internal),
        ),
        user_service_mutant(
            "method-unknown-not-found",
            "GRP-3",
            "an unknown method is NOT_FOUND",
            |_, dependencies| replace_code(dependencies, Code::Unimplemented, Code::NotFound),
        ),
        user_service_mutant(
            "bytes-taken-for-empty",
            "GRP-3",
            "bytes that are not a valid message count as an empty message",
            |_, dependencies| {
                change_request_messages(dependencies, |path, message| {
                    if is_valid_message(path, &message) {
                        message
                    } else {
                        Vec::new()
                    }
                });
            },
        ),
        user_service_mutant(
            "bytes-end-the-program",
            "GRP-3",
            "bytes that are not a valid message crash the program",
            |_, dependencies| {
                change_request_messages(dependencies, |path, message| {
                    if !is_valid_message(path, &message) {
                        std::process::abort();
                    }
                    message
                });
            },
        ),
        user_service_mutant(
            "utf8-mended",
            "GRP-3",
            "bytes that are not valid UTF-8 become question marks",
            |_, dependencies| {
                change_request_messages(dependencies, |_, message| {
                    let bytes = message.iter();
                    bytes
                        .map(|byte| if *byte >= 0xc0 { b'?' } else { *byte })
                        .collect()
                });
            },
        ),
    ]
}
