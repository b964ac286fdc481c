//! USR-1: what a created user looks like.

use user_proto::v1::{CreateUserResponse, GetUserResponse, User};
use user_service::dependencies::Dependencies;

use super::{change_metadata, on_create};
use crate::entries::parts;
use crate::entry::Entry;
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        on_create(
            "create-lowers-email",
            "USR-1",
            "the email is stored in lower case",
            |it| it.email = it.email.to_lowercase(),
        ),
        on_create(
            "create-drops-metadata",
            "USR-1",
            "metadata is not stored",
            |it| it.metadata.clear(),
        ),
        on_create(
            "create-lowers-keys",
            "USR-1",
            "metadata keys are stored in lower case",
            |request| {
                change_metadata(request, |key, value| (key.to_lowercase(), value));
            },
        ),
        on_create(
            "create-adds-metadata",
            "USR-1",
            "a user without metadata gets some",
            |request| {
                if request.metadata.is_empty() {
                    request
                        .metadata
                        .insert("source".to_owned(), "api".to_owned());
                }
            },
        ),
        parts(
            "create-without-status",
            "USR-1",
            "the answer has no status",
            |_, it| created(it, |it| it.status = 0),
        ),
        parts(
            "create-two-clocks",
            "USR-1",
            "updated_at is a little later than created_at",
            |_, dependencies| {
                created(dependencies, |user| {
                    if let Some(time) = &mut user.updated_at {
                        time.nanos = (time.nanos + 1000) % 1_000_000_000;
                    }
                });
            },
        ),
        parts(
            "get-drops-metadata",
            "USR-1",
            "GetUser leaves metadata out",
            |_, dependencies| {
                wire::answers::<GetUserResponse>(dependencies, "/GetUser", |response| {
                    if let Some(user) = &mut response.user {
                        user.metadata.clear();
                    }
                });
            },
        ),
        parts(
            "create-id-of-name",
            "USR-1",
            "the id is made from the name",
            |_, it| created(it, |it| it.id.clone_from(&it.name)),
        ),
        parts(
            "create-id-of-email",
            "USR-1",
            "the id is made from the email",
            |_, it| created(it, |it| it.id = it.email.to_lowercase()),
        ),
    ]
}

/// Changes the user in every answer to a create.
fn created(it: &mut Dependencies, change: fn(&mut User)) {
    wire::answers(
        it,
        "/CreateUser",
        move |response: &mut CreateUserResponse| {
            if let Some(user) = &mut response.user {
                change(user);
            }
        },
    );
}
