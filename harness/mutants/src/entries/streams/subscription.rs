//! STR-1: the changes that a subscriber receives.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use user_service::store::{ChangeCursor, Changed, StoreError};
use user_service::user::{Changes, NewUser, User};
use uuid::Uuid;

use super::change_log_mutant;
use crate::change_log::{ChangeLogLayer, Inner, wrap_change_log};
use crate::entries::{delay, user_service_mutant};
use crate::mutant::Mutant;
use crate::store::{self, StoreLayer, lock, wrap_store};
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    vec![
        user_service_mutant(
            "stream-headers-late",
            "STR-1",
            "the headers of a stream are sent with the first change",
            |_, dependencies| wire::delay_headers(dependencies, "/StreamUsers"),
        ),
        user_service_mutant(
            "stream-of-one-instance",
            "STR-1",
            "changes written by other instances are not sent",
            |_, dependencies| {
                let layer = Arc::new(OwnChanges::default());
                wrap_change_log(dependencies, layer.clone());
                wrap_store(dependencies, layer);
            },
        ),
        user_service_mutant(
            "stream-live-later",
            "STR-1",
            "the headers of a stream are sent 100 ms before it sees changes",
            |_, dependencies| wrap_change_log(dependencies, StartsLate(Duration::from_millis(100))),
        ),
        change_log_mutant(
            "stream-without-metadata",
            "STR-1",
            "streams send users without metadata",
            |mut users| {
                for user in &mut users {
                    user.metadata.clear();
                }
                users
            },
        ),
        user_service_mutant(
            "stream-times-out",
            "STR-1",
            "REQUEST_TIMEOUT also ends streams",
            |settings, dependencies| {
                wire::end_stream_after(dependencies, "/StreamUsers", settings.request_timeout, 4);
            },
        ),
        user_service_mutant(
            "stream-of-a-page",
            "STR-1",
            "a stream ends after page_size users",
            |_, dependencies| wire::end_stream_after_page(dependencies, "/StreamUsers"),
        ),
    ]
}

/// Sends only users that this instance wrote.
#[derive(Default)]
struct OwnChanges(Mutex<HashSet<(Uuid, chrono::DateTime<chrono::Utc>)>>);

impl OwnChanges {
    fn record(&self, user: User) -> User {
        lock(&self.0).insert((user.id, user.updated_at));
        user
    }
}

#[async_trait]
impl StoreLayer for Arc<OwnChanges> {
    async fn create(&self, inner: &store::Inner, user: NewUser) -> Result<User, StoreError> {
        inner.create(user).await.map(|it| self.record(it))
    }

    async fn update(
        &self,
        inner: &store::Inner,
        id: Uuid,
        changes: Changes,
    ) -> Result<User, StoreError> {
        inner.update(id, changes).await.map(|it| self.record(it))
    }
}

impl ChangeLogLayer for Arc<OwnChanges> {
    fn change_users(&self, mut users: Vec<User>) -> Vec<User> {
        let own = lock(&self.0);
        users.retain(|it| own.contains(&(it.id, it.updated_at)));
        users
    }
}

/// Starts to read changes this time after the subscription.
struct StartsLate(Duration);

#[async_trait]
impl ChangeLogLayer for StartsLate {
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
        delay(self.0).await;
        Ok(Changed {
            users: Vec::new(),
            cursor: inner.now().await?,
        })
    }
}
