//! USR-1: the fields of a created user.

use user_proto::v1::{CreateUserResponse, GetUserResponse, User};
use user_service::dependencies::Dependencies;

use super::{change_metadata, create_mutant};
use crate::entries::user_service_mutant;
use crate::mutant::Mutant;
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    vec![
        create_mutant(
            "create-lowers-email",
            "USR-1",
            "the email is stored in lower case",
            |it| it.email = it.email.to_lowercase(),
        ),
        create_mutant(
            "create-drops-metadata",
            "USR-1",
            "metadata is not stored",
            |it| it.metadata.clear(),
        ),
        create_mutant(
            "create-lowers-keys",
            "USR-1",
            "metadata keys are stored in lower case",
            |request| {
                change_metadata(request, |key, value| (key.to_lowercase(), value));
            },
        ),
        create_mutant(
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
        user_service_mutant(
            "create-without-status",
            "USR-1",
            "the response to a create has no status",
            |_, dependencies| change_created_user(dependencies, |user| user.status = 0),
        ),
        user_service_mutant(
            "create-two-clocks",
            "USR-1",
            "updated_at of a new user is later than created_at",
            |_, dependencies| {
                change_created_user(dependencies, |user| {
                    if let Some(time) = &mut user.updated_at {
                        time.nanos = (time.nanos + 1000) % 1_000_000_000;
                    }
                });
            },
        ),
        user_service_mutant(
            "get-drops-metadata",
            "USR-1",
            "GetUser returns no metadata",
            |_, dependencies| {
                wire::change_responses::<GetUserResponse>(dependencies, "/GetUser", |response| {
                    if let Some(user) = &mut response.user {
                        user.metadata.clear();
                    }
                });
            },
        ),
        user_service_mutant(
            "create-id-of-name",
            "USR-1",
            "the id is made from the name",
            |_, dependencies| {
                change_created_user(dependencies, |user| user.id.clone_from(&user.name));
            },
        ),
        user_service_mutant(
            "create-id-of-email",
            "USR-1",
            "the id is made from the email",
            |_, dependencies| {
                change_created_user(dependencies, |user| user.id = user.email.to_lowercase());
            },
        ),
    ]
}

/// Changes the user in every response to a create.
fn change_created_user(dependencies: &mut Dependencies, change: fn(&mut User)) {
    wire::change_responses(
        dependencies,
        "/CreateUser",
        move |response: &mut CreateUserResponse| {
            if let Some(user) = &mut response.user {
                change(user);
            }
        },
    );
}
