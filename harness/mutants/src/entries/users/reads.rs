//! USR-11: reads after writes.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use user_service::store::{ListQuery, Page, StoreError};
use user_service::user::{Changes, User};
use uuid::Uuid;

use super::ids::KeepsDeleted;
use crate::entries::{delay, store_mutant};
use crate::mutant::Mutant;
use crate::store::{Inner, StoreLayer, lock};

pub fn mutants() -> Vec<Mutant> {
    vec![
        store_mutant(
            "reads-cached",
            "USR-11",
            "each process caches users without invalidation",
            CachedUsers::default(),
        ),
        store_mutant(
            "reads-cached-lists",
            "USR-11",
            "lists are cached for a second",
            CachedLists::default(),
        ),
        store_mutant(
            "reads-behind",
            "USR-11",
            "changes are stored after they are acknowledged",
            WriteBehind(Duration::from_millis(30)),
        ),
        store_mutant(
            "reads-modify-write",
            "USR-11",
            "updates read a user and write all fields back, so concurrent updates are lost",
            ReadModifyWrite,
        ),
        store_mutant(
            "reads-marked",
            "USR-11",
            "deleted users can still be read",
            KeepsDeleted::default(),
        ),
    ]
}

/// Caches users until the process ends; only changes by this process update the cache.
#[derive(Default)]
pub struct CachedUsers(Mutex<HashMap<Uuid, User>>);

impl CachedUsers {
    fn insert(&self, user: &User) {
        lock(&self.0).insert(user.id, user.clone());
    }
}

#[async_trait]
impl StoreLayer for CachedUsers {
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        let cached = lock(&self.0).get(&id).cloned();
        if let Some(user) = cached {
            return Ok(user);
        }
        let user = inner.get(id).await?;
        self.insert(&user);
        Ok(user)
    }

    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let user = inner.update(id, changes).await?;
        self.insert(&user);
        Ok(user)
    }

    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        lock(&self.0).remove(&id);
        inner.delete(id).await
    }
}

/// Acknowledges updates and deletes, and stores them after this time.
pub struct WriteBehind(pub Duration);

#[async_trait]
impl StoreLayer for WriteBehind {
    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let mut user = inner.get(id).await?;
        let later = (inner.clone(), changes.clone(), self.0);
        tokio::spawn(async move {
            let (inner, changes, time) = later;
            delay(time).await;
            let _ = inner.update(id, changes).await;
        });
        user.name = changes.name.unwrap_or(user.name);
        user.email = changes.email.unwrap_or(user.email);
        user.status = changes.status.unwrap_or(user.status);
        user.metadata = changes.metadata.unwrap_or(user.metadata);
        user.updated_at += Duration::from_micros(1);
        Ok(user)
    }

    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        inner.get(id).await?;
        let (inner, time) = (inner.clone(), self.0);
        tokio::spawn(async move {
            delay(time).await;
            let _ = inner.delete(id).await;
        });
        Ok(())
    }
}

/// Caches lists for a second.
#[derive(Default)]
struct CachedLists(Mutex<HashMap<String, (std::time::Instant, Page)>>);

#[async_trait]
impl StoreLayer for CachedLists {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let key = format!("{query:?}");
        let cached = lock(&self.0).get(&key).cloned();
        if let Some((at, page)) = cached
            && at.elapsed() < Duration::from_secs(1)
        {
            return Ok(page);
        }
        let page = inner.list(query).await?;
        lock(&self.0).insert(key, (std::time::Instant::now(), page.clone()));
        Ok(page)
    }
}

/// Updates by reading a user and writing all of its fields back.
struct ReadModifyWrite;

#[async_trait]
impl StoreLayer for ReadModifyWrite {
    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let user = inner.get(id).await?;
        delay(Duration::from_millis(2)).await;
        inner
            .update(
                id,
                Changes {
                    email: Some(changes.email.unwrap_or(user.email)),
                    name: Some(changes.name.unwrap_or(user.name)),
                    status: Some(changes.status.unwrap_or(user.status)),
                    metadata: Some(changes.metadata.unwrap_or(user.metadata)),
                },
            )
            .await
    }
}
