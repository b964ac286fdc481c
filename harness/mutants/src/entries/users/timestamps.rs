//! USR-10: timestamps of updates, and refused changes.

use async_trait::async_trait;
use user_proto::v1::UpdateUserResponse;
use user_service::dependencies::Dependencies;
use user_service::store::StoreError;
use user_service::user::{Changes, NewUser, User};
use uuid::Uuid;

use super::owners::find_by_email;
use crate::entries::{store_mutant, user_service_mutant};
use crate::mutant::Mutant;
use crate::store::{Inner, StoreLayer};
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    vec![
        user_service_mutant(
            "moment-of-seconds",
            "USR-10",
            "updated_at is truncated to seconds",
            |_, dependencies| {
                change_updated_user(dependencies, |user| {
                    if let Some(time) = &mut user.updated_at {
                        time.nanos = 0;
                    }
                });
            },
        ),
        user_service_mutant(
            "moment-never-moves",
            "USR-10",
            "updates do not change updated_at",
            |_, dependencies| {
                change_updated_user(dependencies, |user| user.updated_at = user.created_at);
            },
        ),
        user_service_mutant(
            "moment-of-creation-moves",
            "USR-10",
            "updates change created_at",
            |_, dependencies| {
                change_updated_user(dependencies, |user| user.created_at = user.updated_at);
            },
        ),
        store_mutant(
            "refused-one-by-one",
            "USR-10",
            "an update changes its fields one after the other, not atomically",
            UpdatesInTwoSteps,
        ),
        store_mutant(
            "refused-create-upserts",
            "USR-10",
            "a create that is refused for a taken email changes the user who has it",
            RenamesOnRefusal,
        ),
    ]
}

/// Changes the user in every response to an update.
fn change_updated_user(dependencies: &mut Dependencies, change: fn(&mut user_proto::v1::User)) {
    wire::change_responses(
        dependencies,
        "/UpdateUser",
        move |response: &mut UpdateUserResponse| {
            if let Some(user) = &mut response.user {
                change(user);
            }
        },
    );
}

/// Updates name and metadata first, email and status in a second transaction.
struct UpdatesInTwoSteps;

#[async_trait]
impl StoreLayer for UpdatesInTwoSteps {
    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let Changes {
            email,
            name,
            status,
            metadata,
        } = changes;
        let name = Changes {
            name,
            metadata,
            ..Changes::default()
        };
        inner.update(id, name).await?;
        inner
            .update(
                id,
                Changes {
                    email,
                    status,
                    ..Changes::default()
                },
            )
            .await
    }
}

/// Refuses a create with a taken email, but renames the user who has the email.
struct RenamesOnRefusal;

#[async_trait]
impl StoreLayer for RenamesOnRefusal {
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        let email = user.email.clone();
        let changes = Changes {
            name: Some(user.name.clone()),
            ..Changes::default()
        };
        let created = inner.create(user).await;
        if matches!(created, Err(StoreError::EmailTaken)) {
            let owner = find_by_email(inner, &email).await?;
            inner.update(owner.id, changes).await?;
        }
        created
    }
}
