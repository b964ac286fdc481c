//! USR-9: the fields that an update changes.

use async_trait::async_trait;
use user_proto::v1::UpdateUserRequest;
use user_service::store::StoreError;
use user_service::user::{Changes, User, UserStatus};
use uuid::Uuid;

use crate::entries::{store_mutant, user_service_mutant};
use crate::mutant::Mutant;
use crate::store::{Inner, StoreLayer};
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    vec![
        update_mutant(
            "update-first-field",
            "an update changes only the first field that is present",
            |request| {
                if request.email.is_some() {
                    request.name = None;
                    request.status = None;
                    request.metadata.clear();
                }
            },
        ),
        store_mutant(
            "update-resets",
            "USR-9",
            "an update resets an absent status and absent metadata",
            ResetsAbsent,
        ),
        user_service_mutant(
            "update-needs-a-field",
            "USR-9",
            "an update without any field is refused",
            |_, dependencies| {
                wire::fail_requests(dependencies, "UpdateUser", has_only_id);
            },
        ),
        store_mutant(
            "update-suspends-forever",
            "USR-9",
            "the status SUSPENDED cannot be changed",
            KeepsSuspended,
        ),
        update_mutant(
            "update-status-0",
            "the status UNSPECIFIED in an update counts as absent",
            |request| {
                if request.status == Some(0) {
                    request.status = None;
                }
            },
        ),
        store_mutant(
            "update-merges",
            "USR-9",
            "new metadata is merged with the old",
            MergesMetadata,
        ),
        update_mutant(
            "update-empty-absent",
            "an empty email or a blank name in an update counts as absent",
            |request| {
                request.email = request.email.take().filter(|it| !it.is_empty());
                request.name = request.name.take().filter(|it| !it.trim().is_empty());
            },
        ),
        update_mutant(
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
        update_mutant(
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
        update_mutant(
            "update-metadata-unchecked",
            "metadata is not validated in an update",
            |request| {
                if !request.metadata.is_empty() {
                    request.metadata = [("valid".to_owned(), "yes".to_owned())].into();
                }
            },
        ),
        update_mutant("update-nothing", "an update changes nothing", |request| {
            *request = UpdateUserRequest {
                id: std::mem::take(&mut request.id),
                ..Default::default()
            };
        }),
    ]
}

/// A mutant that changes every `UpdateUser` request.
fn update_mutant(
    id: &'static str,
    wrong: &'static str,
    change: fn(&mut UpdateUserRequest),
) -> Mutant {
    user_service_mutant(id, "USR-9", wrong, move |_, dependencies| {
        wire::change_requests(dependencies, "/UpdateUser", change);
    })
}

/// Whether an encoded `UpdateUserRequest` has no field but the id.
fn has_only_id(body: &[u8]) -> bool {
    matches!(body, [10, length, rest @ ..] if usize::from(*length) == rest.len())
}

/// Merges new metadata into the stored metadata.
struct MergesMetadata;

#[async_trait]
impl StoreLayer for MergesMetadata {
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

/// Resets an absent status to ACTIVE, and absent metadata to empty.
struct ResetsAbsent;

#[async_trait]
impl StoreLayer for ResetsAbsent {
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

/// Ignores a new status of a suspended user.
struct KeepsSuspended;

#[async_trait]
impl StoreLayer for KeepsSuspended {
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
