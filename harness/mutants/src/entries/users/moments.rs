//! USR-10: the moment of a change, and changes that are refused.

use async_trait::async_trait;
use user_proto::v1::UpdateUserResponse;
use user_service::dependencies::Dependencies;
use user_service::store::StoreError;
use user_service::user::{Changes, NewUser, User};
use uuid::Uuid;

use super::owners::find;
use crate::entries::{layered, parts};
use crate::entry::Entry;
use crate::store::{Inner, Layer};
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "moment-of-seconds",
            "USR-10",
            "updated_at is kept in seconds",
            |_, dependencies| {
                updated(dependencies, |user| {
                    if let Some(time) = &mut user.updated_at {
                        time.nanos = 0;
                    }
                });
            },
        ),
        parts(
            "moment-never-moves",
            "USR-10",
            "updated_at never moves",
            |_, dependencies| {
                updated(dependencies, |user| user.updated_at = user.created_at);
            },
        ),
        parts(
            "moment-of-creation-moves",
            "USR-10",
            "created_at moves with every update",
            |_, dependencies| {
                updated(dependencies, |user| user.created_at = user.updated_at);
            },
        ),
        layered(
            "refused-one-by-one",
            "USR-10",
            "fields are changed one by one",
            OneByOne,
        ),
        layered(
            "refused-create-upserts",
            "USR-10",
            "a refused create changes the owner of its email",
            RefusedUpsert,
        ),
    ]
}

/// Changes the user in every answer to an update.
fn updated(it: &mut Dependencies, change: fn(&mut user_proto::v1::User)) {
    wire::answers(
        it,
        "/UpdateUser",
        move |response: &mut UpdateUserResponse| {
            if let Some(user) = &mut response.user {
                change(user);
            }
        },
    );
}

/// Fields are changed one by one.
struct OneByOne;

#[async_trait]
impl Layer for OneByOne {
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

/// A create with a taken email is refused, but changes the owner.
struct RefusedUpsert;

#[async_trait]
impl Layer for RefusedUpsert {
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        let email = user.email.clone();
        let changes = Changes {
            name: Some(user.name.clone()),
            ..Changes::default()
        };
        let created = inner.create(user).await;
        if matches!(created, Err(StoreError::EmailTaken)) {
            let owner = find(inner, &email).await?;
            inner.update(owner.id, changes).await?;
        }
        created
    }
}
