//! USR-8: ids of users that do not exist.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use user_service::filter::Filter;
use user_service::store::StoreError;
use user_service::user::{Changes, User};
use uuid::Uuid;

use crate::entries::{store_mutant, user_service_mutant};
use crate::mutant::Mutant;
use crate::store::{Inner, OLDEST_FIRST, StoreLayer, first_users, lock};
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    vec![
        user_service_mutant(
            "id-strict-shape",
            "USR-8",
            "an unknown id fails with INVALID_ARGUMENT",
            |_, dependencies| {
                for method in ["/GetUser", "/UpdateUser", "/DeleteUser"] {
                    wire::change_status(dependencies, method, |code, _| {
                        (code == 5).then(|| (3, "id is invalid".to_owned()))
                    });
                }
            },
        ),
        store_mutant(
            "id-delete-nothing",
            "USR-8",
            "a delete of an unknown id succeeds",
            DeleteUnknownSucceeds,
        ),
        store_mutant(
            "id-marked",
            "USR-8",
            "deleted users can still be read and updated",
            KeepsDeleted::default(),
        ),
        store_mutant(
            "id-delete-many",
            "USR-8",
            "a delete also removes other users",
            DeletesOthers,
        ),
        user_service_mutant(
            "id-no-field-no-look",
            "USR-8",
            "an update without any field succeeds for an unknown id",
            |_, dependencies| {
                wire::change_status(dependencies, "/UpdateUser", |code, _| {
                    (code == 5).then(|| (0, String::new()))
                });
            },
        ),
    ]
}

/// Lets the delete of an unknown id succeed.
struct DeleteUnknownSucceeds;

#[async_trait]
impl StoreLayer for DeleteUnknownSucceeds {
    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        match inner.delete(id).await {
            Err(StoreError::NotFound) => Ok(()),
            other => other,
        }
    }
}

/// Keeps deleted users and returns them for their ids.
#[derive(Default)]
pub struct KeepsDeleted(Mutex<HashMap<Uuid, User>>);

#[async_trait]
impl StoreLayer for KeepsDeleted {
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        let deleted = lock(&self.0).get(&id).cloned();
        deleted.map_or(inner.get(id).await, Ok)
    }

    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let deleted = lock(&self.0).get(&id).cloned();
        deleted.map_or(inner.update(id, changes).await, Ok)
    }

    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        let user = self.get(inner, id).await?;
        let deleted = inner.delete(id).await;
        lock(&self.0).insert(id, user);
        deleted.or(Ok(()))
    }
}

/// Deletes the oldest users together with the requested one.
struct DeletesOthers;

#[async_trait]
impl StoreLayer for DeletesOthers {
    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        inner.delete(id).await?;
        for user in first_users(inner, Filter::default(), OLDEST_FIRST, 100).await? {
            let _ = inner.delete(user.id).await;
        }
        Ok(())
    }
}
