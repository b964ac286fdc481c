//! USR-10: the moment of a change, and changes that are refused.

use async_trait::async_trait;
use user_proto::v1::UpdateUserResponse;
use user_service::parts::Parts;
use user_service::store::StoreError;
use user_service::user::{Changes, NewUser, User, UserStatus};
use user_service::validate;
use uuid::Uuid;

use super::owners::find;
use crate::entries::{parts, twisted};
use crate::entry::Entry;
use crate::store::{Inner, Twist, twist};
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "moment-of-seconds",
            "USR-10",
            "updated_at is kept in seconds",
            |_, it| {
                updated(it, |user| {
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
            |_, it| {
                updated(it, |user| user.updated_at = user.created_at);
            },
        ),
        parts(
            "moment-of-creation-moves",
            "USR-10",
            "created_at moves with every update",
            |_, it| {
                updated(it, |user| user.created_at = user.updated_at);
            },
        ),
        parts(
            "refused-half-done",
            "USR-10",
            "a refused update has changed what came before",
            |_, it| {
                // Validation of email and status comes when the name is stored already.
                it.rules.email = |_, _| Ok(());
                twist(it, LateCheck);
            },
        ),
        twisted(
            "refused-one-by-one",
            "USR-10",
            "fields are changed one by one",
            OneByOne,
        ),
        parts(
            "refused-create-takes",
            "USR-10",
            "a refused create has taken its email",
            |_, it| {
                it.rules.name = |_, _| Ok(());
                it.rules.metadata = |_, _| Ok(());
                it.rules.password = |_, _| Ok(());
                twist(it, InsertFirst);
            },
        ),
        twisted(
            "refused-create-upserts",
            "USR-10",
            "a refused create changes the owner of its email",
            RefusedUpsert,
        ),
        parts(
            "refused-status-half-done",
            "USR-10",
            "a refused status comes after the other fields",
            |_, it| {
                it.rules.status =
                    |number| Ok(validate::status(number).unwrap_or(UserStatus::Suspended));
                it.rules.metadata = |_, _| Ok(());
                wire::statuses(it, "/UpdateUser", |code, message| {
                    (code == 0).then(|| (3, message.to_owned()))
                });
            },
        ),
    ]
}

/// Changes the user in every answer to an update.
fn updated(it: &mut Parts, change: fn(&mut user_proto::v1::User)) {
    wire::answers(it, "/UpdateUser", move |it: &mut UpdateUserResponse| {
        if let Some(user) = &mut it.user {
            change(user);
        }
    });
}

/// Fields are changed one by one.
struct OneByOne;

#[async_trait]
impl Twist for OneByOne {
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

/// The name is stored, then the email is validated.
struct LateCheck;

#[async_trait]
impl Twist for LateCheck {
    async fn update(
        &self,
        inner: &Inner,
        id: Uuid,
        mut changes: Changes,
    ) -> Result<User, StoreError> {
        let email = changes.email.take();
        let user = inner.update(id, changes).await?;
        match email {
            Some(email)
                if validate::email(&user_service::rules::Limits::default(), &email).is_err() =>
            {
                Err(StoreError::EmailTaken)
            }
            Some(email) => {
                inner
                    .update(
                        user.id,
                        Changes {
                            email: Some(email),
                            ..Changes::default()
                        },
                    )
                    .await
            }
            None => Ok(user),
        }
    }
}

/// The user is stored, then its fields are validated.
struct InsertFirst;

#[async_trait]
impl Twist for InsertFirst {
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        let limits = user_service::rules::Limits::default();
        let valid = validate::name(&limits, &user.name).is_ok()
            && validate::metadata(&limits, &user.metadata).is_ok();
        let user = NewUser {
            name: user.name.replace(char::is_control, "-"),
            metadata: user_service::user::Metadata::default(),
            ..user
        };
        let stored = inner.create(user).await?;
        if valid {
            Ok(stored)
        } else {
            Err(StoreError::EmailTaken)
        }
    }
}

/// A create with a taken email is refused, and changes the owner all the same.
struct RefusedUpsert;

#[async_trait]
impl Twist for RefusedUpsert {
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
