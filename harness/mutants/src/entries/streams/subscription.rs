//! STR-1: which changes arrive at a subscriber.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use user_service::store::{ChangeCursor, Changed, StoreError};
use user_service::user::{Changes, NewUser, User};
use uuid::Uuid;

use super::altered_users;
use crate::changes::{AlteredLog, Inner, alter};
use crate::entries::{parts, pass};
use crate::entry::Entry;
use crate::store::{self, Layer, add_layer, lock};
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
            "changes of other instances are not sent",
            |_, dependencies| {
                let own = Arc::new(Own::default());
                alter(dependencies, own.clone());
                add_layer(dependencies, own);
            },
        ),
        parts(
            "stream-live-later",
            "STR-1",
            "headers are sent 100 ms before the subscription is live",
            |_, it| alter(it, LiveLater(Duration::from_millis(100))),
        ),
        altered_users(
            "stream-without-metadata",
            "STR-1",
            "users are sent without their metadata",
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
            "a stream ends after page_size users",
            |_, it| wire::end_after_page(it, "/StreamUsers"),
        ),
    ]
}

/// Sends only users that this instance wrote.
#[derive(Default)]
struct Own(Mutex<HashSet<(Uuid, chrono::DateTime<chrono::Utc>)>>);

impl Own {
    fn keep(&self, user: User) -> User {
        lock(&self.0).insert((user.id, user.updated_at));
        user
    }
}

#[async_trait]
impl Layer for Arc<Own> {
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

impl AlteredLog for Arc<Own> {
    fn alter(&self, mut users: Vec<User>) -> Vec<User> {
        let own = lock(&self.0);
        users.retain(|it| own.contains(&(it.id, it.updated_at)));
        users
    }
}

/// Changes right after the subscription are treated as earlier ones.
struct LiveLater(Duration);

#[async_trait]
impl AlteredLog for LiveLater {
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
