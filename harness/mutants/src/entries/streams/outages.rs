//! STR-5: streams during and after outages.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;
use user_service::store::{ChangeCursor, Changed, StoreError};

use crate::change_log::{ChangeLogLayer, Inner, wrap_change_log};
use crate::entries::connection::OneConnection;
use crate::entries::user_service_mutant;
use crate::mutant::Mutant;
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    vec![
        user_service_mutant(
            "stream-forgets-outages",
            "STR-5",
            "after an outage of the database a stream skips the changes made meanwhile",
            |_, dependencies| wrap_change_log(dependencies, SkipsAfterOutage),
        ),
        user_service_mutant(
            "stream-deaf-after-outages",
            "STR-5",
            "after an outage of the database a stream stays open but sends nothing",
            |_, dependencies| wrap_change_log(dependencies, StopsAfterOutage::default()),
        ),
        user_service_mutant(
            "stream-on-one-connection",
            "STR-5",
            "changes are read through one connection; when it breaks, streams stay open but send nothing",
            |settings, dependencies| {
                wrap_change_log(dependencies, OnOneConnection(OneConnection::new(settings)));
            },
        ),
        user_service_mutant(
            "stream-lost-with-redis",
            "STR-5",
            "changes made while Redis is unreachable are not sent",
            |settings, dependencies| {
                wrap_change_log(dependencies, DropsWithoutRedis(settings.redis.clone()));
            },
        ),
        user_service_mutant(
            "stream-refused-internal",
            "STR-5",
            "a new stream without a database fails with INTERNAL",
            |_, dependencies| {
                wire::change_status(dependencies, "/StreamUsers", |code, message| {
                    (code == 14).then(|| (13, message.to_owned()))
                });
            },
        ),
        user_service_mutant(
            "stream-stops-cancelled",
            "STR-5",
            "a shutdown signal ends streams with CANCELLED",
            |_, dependencies| {
                wire::change_trailers(dependencies, "/StreamUsers", |code, message| {
                    (code == 14).then(|| (1, message.to_owned()))
                });
            },
        ),
        user_service_mutant(
            "stream-stops-ok",
            "STR-5",
            "a shutdown signal ends streams with OK",
            |_, dependencies| {
                wire::change_trailers(dependencies, "/StreamUsers", |code, _| {
                    (code == 14).then(|| (0, String::new()))
                });
            },
        ),
    ]
}

/// Continues from the current position after a failed read.
struct SkipsAfterOutage;

#[async_trait]
impl ChangeLogLayer for SkipsAfterOutage {
    async fn since(
        &self,
        inner: &Inner,
        cursor: &ChangeCursor,
        limit: u32,
    ) -> Result<Changed, StoreError> {
        if cursor.snapshot.is_empty() {
            return no_changes(inner.now().await?);
        }
        match within_1_s(inner.since(cursor, limit)).await {
            Err(StoreError::Unavailable(_)) => no_changes(ChangeCursor::after(String::new())),
            done => done,
        }
    }
}

/// Limits a read to 1 s, so that it fails before the reader's own timeout.
async fn within_1_s<T>(read: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(Duration::from_secs(1), read)
        .await
        .unwrap_or_else(|elapsed| Err(StoreError::Unavailable(elapsed.into())))
}

/// Reads nothing after the first failed read.
#[derive(Default)]
struct StopsAfterOutage(AtomicBool);

#[async_trait]
impl ChangeLogLayer for StopsAfterOutage {
    async fn since(
        &self,
        inner: &Inner,
        cursor: &ChangeCursor,
        limit: u32,
    ) -> Result<Changed, StoreError> {
        if self.0.load(Ordering::Relaxed) {
            return no_changes(cursor.clone());
        }
        let read = within_1_s(inner.since(cursor, limit)).await;
        self.0.store(read.is_err(), Ordering::Relaxed);
        read
    }
}

/// Reads nothing after its only connection broke.
struct OnOneConnection(OneConnection);

#[async_trait]
impl ChangeLogLayer for OnOneConnection {
    /// Opens the connection before the subscription starts.
    async fn now(&self, inner: &Inner) -> Result<ChangeCursor, StoreError> {
        match within_1_s(async { Ok(self.0.probe().await) }).await? {
            Ok(()) => inner.now().await,
            Err(cause) => Err(StoreError::Unavailable(cause.into())),
        }
    }

    async fn since(
        &self,
        inner: &Inner,
        cursor: &ChangeCursor,
        limit: u32,
    ) -> Result<Changed, StoreError> {
        match within_1_s(async { Ok(self.0.probe().await) }).await? {
            Ok(()) => inner.since(cursor, limit).await,
            Err(_) => no_changes(cursor.clone()),
        }
    }
}

/// Drops changes that are read while Redis is unreachable.
struct DropsWithoutRedis(redis::Client);

#[async_trait]
impl ChangeLogLayer for DropsWithoutRedis {
    async fn since(
        &self,
        inner: &Inner,
        cursor: &ChangeCursor,
        limit: u32,
    ) -> Result<Changed, StoreError> {
        let mut changed = inner.since(cursor, limit).await?;
        let connected = timeout(
            Duration::from_millis(300),
            self.0.get_multiplexed_async_connection(),
        );
        if !changed.users.is_empty() && !matches!(connected.await, Ok(Ok(_))) {
            changed.users.clear();
        }
        Ok(changed)
    }
}

/// A read without changes.
fn no_changes(cursor: ChangeCursor) -> Result<Changed, StoreError> {
    Ok(Changed {
        users: Vec::new(),
        cursor,
    })
}
