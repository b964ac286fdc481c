//! The plumbing of gRPC: reflection, deadlines, limits, connections.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use futures::future::BoxFuture;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorProto};
use tonic::Code;
use user_proto::v1;
use user_service::connections::calls::Calls;
use user_service::connections::rules::ConnectionRules;
use user_service::deadline;
use user_service::parts::Parts;
use user_service::store::{PgStore, Pool};

use super::parts;
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    let mut all = reflection();
    all.extend(deadlines());
    all.extend(messages());
    all.extend(old_and_idle());
    all.extend(keepalive());
    all
}

const HOUR: Duration = Duration::from_hours(1);

/// Changes what reflection says of the users' interface.
fn describe(it: &mut Parts, change: fn(&mut FileDescriptorProto)) {
    let files = it.descriptors.iter_mut().flat_map(|it| &mut it.file);
    files
        .filter(|file| file.package() == "user.v1")
        .for_each(change);
}

/// The message of that name.
fn message<'a>(file: &'a mut FileDescriptorProto, name: &str) -> &'a mut DescriptorProto {
    file.message_type
        .iter_mut()
        .find(|it| it.name() == name)
        .expect("user.proto has it")
}

fn reflection() -> Vec<Entry> {
    vec![
        parts(
            "reflection-none",
            "GRP-2",
            "there is no reflection",
            |_, it| {
                it.wrap_grpc = Box::new(|router| {
                    router.layer(from_fn(async |request: Request, next: Next| {
                        if request.uri().path().starts_with("/grpc.reflection.") {
                            return tonic::Status::unimplemented("").into_http();
                        }
                        next.run(request).await
                    }))
                });
            },
        ),
        parts(
            "reflection-without-service",
            "GRP-2",
            "the users' service is not described",
            |_, it| describe(it, |file| file.service.clear()),
        ),
        parts(
            "reflection-method-missing",
            "GRP-2",
            "a method is missing",
            |_, it| describe(it, |file| drop(file.service[0].method.pop())),
        ),
        parts(
            "reflection-unary-stream",
            "GRP-2",
            "StreamUsers answers one user",
            |_, it| {
                describe(it, |file| {
                    for method in &mut file.service[0].method {
                        method.server_streaming = Some(false);
                    }
                });
            },
        ),
        parts(
            "reflection-field-missing",
            "GRP-2",
            "a field is missing",
            |_, it| describe(it, |file| drop(message(file, "User").field.pop())),
        ),
        parts(
            "reflection-field-number",
            "GRP-2",
            "a field has another number",
            |_, it| {
                describe(it, |file| {
                    message(file, "ListUsersRequest").field[2].number = Some(7);
                });
            },
        ),
        parts(
            "reflection-field-name",
            "GRP-2",
            "fields have their names in JSON",
            |_, it| {
                describe(it, |file| {
                    message(file, "ListUsersRequest").field[0].name = Some("pageSize".to_owned());
                });
            },
        ),
        parts(
            "reflection-field-type",
            "GRP-2",
            "a number has 64 bits",
            |_, it| {
                describe(it, |file| {
                    message(file, "ListUsersResponse").field[2].set_type(Type::Int64);
                });
            },
        ),
        parts(
            "reflection-presence",
            "GRP-2",
            "no field of an update is optional",
            |_, it| {
                describe(it, |file| {
                    let update = message(file, "UpdateUserRequest");
                    update.oneof_decl.clear();
                    for field in &mut update.field {
                        field.proto3_optional = None;
                        field.oneof_index = None;
                    }
                });
            },
        ),
        parts(
            "reflection-message-name",
            "GRP-2",
            "a message has another name",
            |_, it| {
                describe(it, |file| {
                    message(file, "DeleteUserRequest").name = Some("RemoveUserRequest".to_owned());
                });
            },
        ),
        parts(
            "reflection-enum-value",
            "GRP-2",
            "a status has another number",
            |_, it| describe(it, |file| file.enum_type[0].value[3].number = Some(4)),
        ),
    ]
}

/// Refuses with another code.
fn recode(it: &mut Parts, from: Code, to: Code) {
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

fn deadlines() -> Vec<Entry> {
    vec![
        parts(
            "deadline-ignored",
            "GRP-3",
            "no call has a deadline",
            |_, it| it.rules.timeout = |_| None,
        ),
        parts(
            "deadline-late",
            "GRP-3",
            "a call ends 4 s after its deadline",
            |_, it| {
                it.rules.timeout =
                    |headers| Some(deadline::read(headers)? + Duration::from_secs(4));
            },
        ),
        parts(
            "deadline-early",
            "GRP-3",
            "every deadline is over at once",
            |_, it| {
                it.rules.timeout = |headers| deadline::read(headers).map(|_| Duration::ZERO);
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
            "the database goes on with what nobody waits for",
            |settings, it| {
                let pool = Pool::new(
                    settings.database.clone(),
                    settings.database_max_connections,
                    Duration::from_mins(1),
                );
                it.store = std::sync::Arc::new(PgStore::new(pool));
            },
        ),
    ]
}

/// Changes every request before it is handled: its path, and its message.
fn requests(it: &mut Parts, change: fn(&str, Vec<u8>) -> Vec<u8>) {
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

fn messages() -> Vec<Entry> {
    vec![
        parts(
            "message-without-limit",
            "GRP-3",
            "messages of 64 MiB are taken",
            |_, it| it.rules.message_bytes = 64 << 20,
        ),
        parts(
            "message-small",
            "GRP-3",
            "a message over 1 MiB is refused",
            |_, it| it.rules.message_bytes = 1 << 20,
        ),
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
            |_, it| {
                requests(it, |path, message| {
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
            |_, it| {
                requests(it, |path, message| {
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
            |_, it| {
                requests(it, |_, message| {
                    let mended = message.iter();
                    mended
                        .map(|byte| if *byte >= 0xc0 { b'?' } else { *byte })
                        .collect()
                });
            },
        ),
    ]
}

/// A time that passes whatever runs.
fn age_of(time: Duration) -> BoxFuture<'static, ()> {
    (ConnectionRules::default().old)(Calls::new(), time)
}

fn old_and_idle() -> Vec<Entry> {
    vec![
        parts(
            "age-ignored",
            "GRP-4",
            "connections grow old for ever",
            |_, it| it.connections.max_age = HOUR,
        ),
        parts(
            "age-halved",
            "GRP-4",
            "connections are closed at half their age",
            |_, it| it.connections.max_age /= 2,
        ),
        parts(
            "age-waits-for-calls",
            "GRP-4",
            "a connection with a running call does not grow old",
            |_, it| {
                it.rules.connections.old = |calls, age| {
                    Box::pin(async move {
                        age_of(age).await;
                        calls.none_for(Duration::ZERO).await;
                    })
                };
            },
        ),
        parts(
            "age-without-grace",
            "GRP-4",
            "running calls end with the age of their connection",
            |_, it| it.connections.max_age_grace = Duration::ZERO,
        ),
        parts(
            "age-grace-without-end",
            "GRP-4",
            "calls run on for as long as they like",
            |_, it| it.connections.max_age_grace = HOUR,
        ),
        parts(
            "goaway-not-sent",
            "GRP-4",
            "connections end without a GOAWAY",
            |_, it| it.rules.connections.close = |_| {},
        ),
        parts(
            "idle-ignored",
            "GRP-4",
            "connections may be idle for ever",
            |_, it| it.connections.max_idle = HOUR,
        ),
        parts(
            "idle-halved",
            "GRP-4",
            "connections are closed after half of the idle time",
            |_, it| it.connections.max_idle /= 2,
        ),
        parts(
            "idle-from-opening",
            "GRP-4",
            "the idle time counts from the connection's opening",
            |_, it| {
                it.rules.connections.idle = |calls, time| {
                    Box::pin(async move {
                        age_of(time).await;
                        calls.none_for(Duration::ZERO).await;
                    })
                };
            },
        ),
        parts(
            "idle-while-calls-run",
            "GRP-4",
            "a call that runs does not keep its connection from being idle",
            |_, it| {
                it.rules.connections.idle = |_, time| age_of(time);
            },
        ),
    ]
}

fn keepalive() -> Vec<Entry> {
    vec![
        parts(
            "keepalive-never",
            "GRP-5",
            "silent clients are never asked",
            |_, it| it.connections.keepalive_time = HOUR,
        ),
        parts(
            "keepalive-patient",
            "GRP-5",
            "silent clients are waited for",
            |_, it| it.connections.keepalive_timeout = HOUR,
        ),
        parts(
            "keepalive-impatient",
            "GRP-5",
            "no answer comes in time",
            |_, it| {
                it.connections.max_idle = it.connections.keepalive_time * 2;
                it.rules.connections.idle = |_, time| age_of(time);
                it.connections.max_age_grace = Duration::ZERO;
            },
        ),
        parts(
            "pings-not-counted",
            "GRP-5",
            "clients ping as often as they like",
            |_, it| it.rules.connections.pings.too_soon = |_, _| false,
        ),
        parts(
            "pings-all-counted",
            "GRP-5",
            "every ping comes too soon",
            |_, it| it.rules.connections.pings.too_soon = |_, _| true,
        ),
        parts(
            "pings-minimum-ignored",
            "GRP-5",
            "clients may ping every 5 minutes, whatever is set",
            |_, it| it.connections.keepalive_min_time = Duration::from_mins(5),
        ),
        parts(
            "pings-not-forgiven",
            "GRP-5",
            "no answer starts the count anew",
            |_, it| it.rules.connections.pings.forgives = |_| false,
        ),
    ]
}
