//! USR-11: what reads see of changes.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use user_service::store::{ListQuery, Page, StoreError};
use user_service::user::{Changes, User};
use uuid::Uuid;

use super::ids::Marked;
use crate::entries::{layered, pass};
use crate::entry::Entry;
use crate::store::{Inner, Layer, lock};

pub fn entries() -> Vec<Entry> {
    vec![
        layered(
            "reads-cached",
            "USR-11",
            "users are kept in each process",
            Cached::default(),
        ),
        layered(
            "reads-cached-lists",
            "USR-11",
            "lists are kept for a second",
            CachedLists::default(),
        ),
        layered(
            "reads-behind",
            "USR-11",
            "changes are stored after they are acknowledged",
            WriteBehind(Duration::from_millis(30)),
        ),
        layered(
            "reads-modify-write",
            "USR-11",
            "updates read, change and write all fields back",
            ReadModifyWrite,
        ),
        layered(
            "reads-marked",
            "USR-11",
            "deleted users are still read",
            Marked::default(),
        ),
    ]
}

/// A user that was read is read from memory for as long as the program runs, but for changes made here.
#[derive(Default)]
pub struct Cached(Mutex<HashMap<Uuid, User>>);

impl Cached {
    fn keep(&self, user: &User) {
        lock(&self.0).insert(user.id, user.clone());
    }
}

#[async_trait]
impl Layer for Cached {
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        let known = lock(&self.0).get(&id).cloned();
        if let Some(user) = known {
            return Ok(user);
        }
        let user = inner.get(id).await?;
        self.keep(&user);
        Ok(user)
    }

    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let user = inner.update(id, changes).await?;
        self.keep(&user);
        Ok(user)
    }

    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        lock(&self.0).remove(&id);
        inner.delete(id).await
    }
}

/// A change is acknowledged, and stored some time later.
pub struct WriteBehind(pub Duration);

#[async_trait]
impl Layer for WriteBehind {
    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let mut user = inner.get(id).await?;
        let later = (inner.clone(), changes.clone(), self.0);
        tokio::spawn(async move {
            let (inner, changes, time) = later;
            pass(time).await;
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
            pass(time).await;
            let _ = inner.delete(id).await;
        });
        Ok(())
    }
}

/// Lists are read from memory for a second.
#[derive(Default)]
struct CachedLists(Mutex<HashMap<String, (std::time::Instant, Page)>>);

#[async_trait]
impl Layer for CachedLists {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let key = format!("{query:?}");
        let known = lock(&self.0).get(&key).cloned();
        if let Some((at, page)) = known
            && at.elapsed() < Duration::from_secs(1)
        {
            return Ok(page);
        }
        let page = inner.list(query).await?;
        lock(&self.0).insert(key, (std::time::Instant::now(), page.clone()));
        Ok(page)
    }
}

/// Reads the user, changes it, writes all of it back.
struct ReadModifyWrite;

#[async_trait]
impl Layer for ReadModifyWrite {
    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let user = inner.get(id).await?;
        pass(Duration::from_millis(2)).await;
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
