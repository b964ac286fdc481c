//! GRP-3: deadlines, limits and what is no call.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tonic::Code;
use user_proto::v1;
use user_service::dependencies::Dependencies;
use user_service::store::{PgStore, Pool};

use crate::entries::parts;
use crate::entry::Entry;

/// Refuses with another code.
fn recode(it: &mut Dependencies, from: Code, to: Code) {
    it.wrap_grpc = Box::new(move |router| {
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

pub fn deadlines() -> Vec<Entry> {
    vec![
        parts(
            "deadline-of-unary-calls-alone",
            "GRP-3",
            "a stream of users goes on beyond its deadline",
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
        parts(
            "deadline-cancelled",
            "GRP-3",
            "a call past its deadline is CANCELLED",
            |_, it| recode(it, Code::DeadlineExceeded, Code::Cancelled),
        ),
        parts(
            "deadline-leaves-statements",
            "GRP-3",
            "statements of cancelled calls go on in the database",
            |settings, dependencies| {
                let pool = Pool::new(
                    settings.database.clone(),
                    settings.database_max_connections,
                    Duration::from_mins(1),
                );
                dependencies.store = std::sync::Arc::new(PgStore::new(pool));
            },
        ),
        parts(
            "deadline-leaves-running-statements",
            "GRP-3",
            "the database bounds the wait for locks alone",
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

/// Changes every request before it is handled: its path, and its message.
fn requests(it: &mut Dependencies, change: fn(&str, Vec<u8>) -> Vec<u8>) {
    it.wrap_grpc = Box::new(move |router| {
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

/// Whether the message is one of the call's.
fn is_message(path: &str, message: &[u8]) -> bool {
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

pub fn messages() -> Vec<Entry> {
    vec![
        parts(
            "message-internal",
            "GRP-3",
            "a message that is too long is INTERNAL",
            |_, it| recode(it, Code::OutOfRange, Code::Internal),
        ),
        parts(
            "method-unknown-not-found",
            "GRP-3",
            "an unknown method is NOT_FOUND",
            |_, it| recode(it, Code::Unimplemented, Code::NotFound),
        ),
        parts(
            "bytes-taken-for-empty",
            "GRP-3",
            "bytes that are no message count as an empty one",
            |_, dependencies| {
                requests(dependencies, |path, message| {
                    if is_message(path, &message) {
                        message
                    } else {
                        Vec::new()
                    }
                });
            },
        ),
        parts(
            "bytes-end-the-program",
            "GRP-3",
            "bytes that are no message end the program",
            |_, dependencies| {
                requests(dependencies, |path, message| {
                    if !is_message(path, &message) {
                        std::process::abort();
                    }
                    message
                });
            },
        ),
        parts(
            "utf8-mended",
            "GRP-3",
            "bytes that are no UTF-8 become question marks",
            |_, dependencies| {
                requests(dependencies, |_, message| {
                    let mended = message.iter();
                    mended
                        .map(|byte| if *byte >= 0xc0 { b'?' } else { *byte })
                        .collect()
                });
            },
        ),
    ]
}
