//! USR-9: what an update changes.

use async_trait::async_trait;
use user_proto::v1::UpdateUserRequest;
use user_service::store::StoreError;
use user_service::user::{Changes, User, UserStatus};
use uuid::Uuid;

use crate::entries::{layered, parts};
use crate::entry::Entry;
use crate::store::{Inner, Layer};
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        on_update(
            "update-first-field",
            "only the first field present is changed",
            |request| {
                if request.email.is_some() {
                    request.name = None;
                    request.status = None;
                    request.metadata.clear();
                }
            },
        ),
        layered(
            "update-resets",
            "USR-9",
            "status and metadata are reset when they are absent",
            Replaced,
        ),
        parts(
            "update-needs-a-field",
            "USR-9",
            "an update without any field is refused",
            |_, dependencies| {
                wire::refuse(dependencies, "UpdateUser", is_bare);
            },
        ),
        layered(
            "update-suspends-for-good",
            "USR-9",
            "a suspended user stays so",
            Final,
        ),
        on_update(
            "update-status-0",
            "status UNSPECIFIED counts as absent",
            |request| {
                if request.status == Some(0) {
                    request.status = None;
                }
            },
        ),
        layered("update-merges", "USR-9", "metadata is merged", Merged),
        on_update(
            "update-empty-absent",
            "an empty email or a blank name counts as absent",
            |request| {
                request.email = request.email.take().filter(|it| !it.is_empty());
                request.name = request.name.take().filter(|it| !it.trim().is_empty());
            },
        ),
        on_update(
            "update-email-unchecked",
            "an email is not validated in an update",
            |request| {
                request.email = request.email.take().map(|email| {
                    if email.is_empty() {
                        email
                    } else {
                        format!("{}@valid.example", Uuid::new_v4().simple())
                    }
                });
            },
        ),
        on_update(
            "update-name-unchecked",
            "a name is not validated in an update",
            |request| {
                request.name = request.name.take().map(|name| {
                    if name.trim().is_empty() {
                        name
                    } else {
                        "Valid".to_owned()
                    }
                });
            },
        ),
        on_update(
            "update-metadata-unchecked",
            "metadata is not validated in an update",
            |request| {
                if !request.metadata.is_empty() {
                    request.metadata = [("valid".to_owned(), "yes".to_owned())].into();
                }
            },
        ),
        on_update("update-nothing", "an update changes nothing", |request| {
            *request = UpdateUserRequest {
                id: std::mem::take(&mut request.id),
                ..Default::default()
            };
        }),
    ]
}

/// An entry that changes every request to update a user.
fn on_update(id: &'static str, wrong: &'static str, change: fn(&mut UpdateUserRequest)) -> Entry {
    parts(id, "USR-9", wrong, move |_, dependencies| {
        wire::requests(dependencies, "/UpdateUser", change);
    })
}

/// A message with an id and nothing else: one field, as long as the message.
fn is_bare(body: &[u8]) -> bool {
    matches!(body, [10, length, rest @ ..] if usize::from(*length) == rest.len())
}

/// Non-empty metadata is merged into what is there.
struct Merged;

#[async_trait]
impl Layer for Merged {
    async fn update(
        &self,
        inner: &Inner,
        id: Uuid,
        mut changes: Changes,
    ) -> Result<User, StoreError> {
        if let Some(metadata) = &mut changes.metadata {
            let mut all = inner.get(id).await?.metadata;
            all.append(metadata);
            *metadata = all;
        }
        inner.update(id, changes).await
    }
}

/// What is absent is reset.
struct Replaced;

#[async_trait]
impl Layer for Replaced {
    async fn update(
        &self,
        inner: &Inner,
        id: Uuid,
        mut changes: Changes,
    ) -> Result<User, StoreError> {
        changes.status.get_or_insert(UserStatus::Active);
        changes.metadata.get_or_insert_default();
        inner.update(id, changes).await
    }
}

/// A suspended user stays suspended.
struct Final;

#[async_trait]
impl Layer for Final {
    async fn update(
        &self,
        inner: &Inner,
        id: Uuid,
        mut changes: Changes,
    ) -> Result<User, StoreError> {
        if inner.get(id).await?.status == UserStatus::Suspended {
            changes.status = None;
        }
        inner.update(id, changes).await
    }
}
