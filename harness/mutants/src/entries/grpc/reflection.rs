//! GRP-2: what reflection says.

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorProto};
use user_service::parts::Parts;

use crate::entries::parts;
use crate::entry::Entry;

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

pub fn entries() -> Vec<Entry> {
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
