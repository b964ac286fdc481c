//! STR-1: who hears of changes.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use user_service::store::{ChangeCursor, Changed, StoreError};
use user_service::user::{Changes, NewUser, User};
use uuid::Uuid;

use super::retold;
use crate::changes::{Inner, Retelling, retell};
use crate::entries::{parts, pass};
use crate::entry::Entry;
use crate::store::{self, Twist, lock, twist};
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "stream-headers-late",
            "STR-1",
            "headers come with the first change",
            |_, it| wire::late_headers(it, "/StreamUsers"),
        ),
        parts(
            "stream-of-one-instance",
            "STR-1",
            "changes of other instances are not told",
            |_, it| {
                let own = Arc::new(Own::default());
                retell(it, own.clone());
                twist(it, own);
            },
        ),
        parts(
            "stream-live-later",
            "STR-1",
            "headers are sent 100 ms before anything is heard",
            |_, it| retell(it, LiveLater(Duration::from_millis(100))),
        ),
        retold(
            "stream-without-metadata",
            "STR-1",
            "users are told without their metadata",
            |mut users| {
                for user in &mut users {
                    user.metadata.clear();
                }
                users
            },
        ),
        parts(
            "stream-times-out",
            "STR-1",
            "REQUEST_TIMEOUT bounds streams too",
            |settings, it| wire::cut_stream(it, "/StreamUsers", settings.request_timeout, 4),
        ),
        parts(
            "stream-of-a-page",
            "STR-1",
            "a stream ends when page_size users were told",
            |_, it| wire::end_after_page(it, "/StreamUsers"),
        ),
    ]
}

/// Tells only of users that were written here.
#[derive(Default)]
struct Own(Mutex<HashSet<(Uuid, chrono::DateTime<chrono::Utc>)>>);

impl Own {
    fn keep(&self, user: User) -> User {
        lock(&self.0).insert((user.id, user.updated_at));
        user
    }
}

#[async_trait]
impl Twist for Arc<Own> {
    async fn create(&self, inner: &store::Inner, user: NewUser) -> Result<User, StoreError> {
        inner.create(user).await.map(|it| self.keep(it))
    }

    async fn update(
        &self,
        inner: &store::Inner,
        id: Uuid,
        changes: Changes,
    ) -> Result<User, StoreError> {
        inner.update(id, changes).await.map(|it| self.keep(it))
    }
}

impl Retelling for Arc<Own> {
    fn retell(&self, mut users: Vec<User>) -> Vec<User> {
        let own = lock(&self.0);
        users.retain(|it| own.contains(&(it.id, it.updated_at)));
        users
    }
}

/// What happens right after the beginning is taken for something that was before.
struct LiveLater(Duration);

#[async_trait]
impl Retelling for LiveLater {
    async fn now(&self, inner: &Inner) -> Result<ChangeCursor, StoreError> {
        inner
            .now()
            .await
            .map(|_| ChangeCursor::after(String::new()))
    }

    async fn since(
        &self,
        inner: &Inner,
        cursor: &ChangeCursor,
        limit: u32,
    ) -> Result<Changed, StoreError> {
        if !cursor.snapshot.is_empty() {
            return inner.since(cursor, limit).await;
        }
        pass(self.0).await;
        Ok(Changed {
            users: Vec::new(),
            cursor: inner.now().await?,
        })
    }
}
