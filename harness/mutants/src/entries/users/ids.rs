//! USR-8: ids that name no user.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use user_service::filter::Filter;
use user_service::store::StoreError;
use user_service::user::{Changes, User};
use uuid::Uuid;

use crate::entries::{layered, parts};
use crate::entry::Entry;
use crate::store::{Inner, Layer, OLDEST_FIRST, first, lock};
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "id-strict-shape",
            "USR-8",
            "an id of another shape gives INVALID_ARGUMENT",
            |_, dependencies| {
                for method in ["/GetUser", "/UpdateUser", "/DeleteUser"] {
                    wire::statuses(dependencies, method, |code, _| {
                        (code == 5).then(|| (3, "id is invalid".to_owned()))
                    });
                }
            },
        ),
        layered(
            "id-delete-nobody",
            "USR-8",
            "a delete of an unknown id succeeds",
            DeleteMissing,
        ),
        layered(
            "id-marked",
            "USR-8",
            "deleted users are still found",
            Marked::default(),
        ),
        layered(
            "id-delete-many",
            "USR-8",
            "a delete removes others too",
            DeleteMany,
        ),
        parts(
            "id-no-field-no-look",
            "USR-8",
            "an update without any field succeeds for an unknown id",
            |_, dependencies| {
                wire::statuses(dependencies, "/UpdateUser", |code, _| {
                    (code == 5).then(|| (0, String::new()))
                });
            },
        ),
    ]
}

/// A delete of an unknown id succeeds.
struct DeleteMissing;

#[async_trait]
impl Layer for DeleteMissing {
    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        match inner.delete(id).await {
            Err(StoreError::NotFound) => Ok(()),
            other => other,
        }
    }
}

/// Deleted users are marked, and still found by their id.
#[derive(Default)]
pub struct Marked(Mutex<HashMap<Uuid, User>>);

#[async_trait]
impl Layer for Marked {
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        let marked = lock(&self.0).get(&id).cloned();
        marked.map_or(inner.get(id).await, Ok)
    }

    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let marked = lock(&self.0).get(&id).cloned();
        marked.map_or(inner.update(id, changes).await, Ok)
    }

    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        let user = self.get(inner, id).await?;
        let deleted = inner.delete(id).await;
        lock(&self.0).insert(id, user);
        deleted.or(Ok(()))
    }
}

/// A delete removes the oldest users too.
struct DeleteMany;

#[async_trait]
impl Layer for DeleteMany {
    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        inner.delete(id).await?;
        for user in first(inner, Filter::default(), OLDEST_FIRST, 100).await? {
            let _ = inner.delete(user.id).await;
        }
        Ok(())
    }
}
