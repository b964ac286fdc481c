//! STR-5: during and after outages.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;
use user_service::store::{ChangeCursor, Changed, StoreError};

use crate::changes::{AlteredLog, Inner, alter};
use crate::entries::connection::OneConnection;
use crate::entries::parts;
use crate::entry::Entry;
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "stream-forgets-outages",
            "STR-5",
            "after an outage of the database a stream goes on from now",
            |_, it| alter(it, Anew),
        ),
        parts(
            "stream-deaf-after-outages",
            "STR-5",
            "after an outage of the database a stream stays open and silent",
            |_, it| alter(it, Deaf::default()),
        ),
        parts(
            "stream-on-one-connection",
            "STR-5",
            "changes are read on one connection for ever, open and silent when it is gone",
            |settings, it| alter(it, OnOneConnection(OneConnection::of(settings))),
        ),
        parts(
            "stream-lost-with-redis",
            "STR-5",
            "changes made while Redis is unreachable are not sent",
            |settings, it| alter(it, ThroughRedis(settings.redis.clone())),
        ),
        parts(
            "stream-refused-internal",
            "STR-5",
            "without the database a new stream is refused with INTERNAL",
            |_, dependencies| {
                wire::statuses(dependencies, "/StreamUsers", |code, message| {
                    (code == 14).then(|| (13, message.to_owned()))
                });
            },
        ),
        parts(
            "stream-stops-cancelled",
            "STR-5",
            "at the signal streams end with CANCELLED",
            |_, dependencies| {
                wire::trailers(dependencies, "/StreamUsers", |code, message| {
                    (code == 14).then(|| (1, message.to_owned()))
                });
            },
        ),
        parts(
            "stream-stops-ok",
            "STR-5",
            "at the signal streams end as if all was well",
            |_, dependencies| {
                wire::trailers(dependencies, "/StreamUsers", |code, _| {
                    (code == 14).then(|| (0, String::new()))
                });
            },
        ),
    ]
}

/// After a read that fails, reading begins anew from now.
struct Anew;

#[async_trait]
impl AlteredLog for Anew {
    async fn since(
        &self,
        inner: &Inner,
        cursor: &ChangeCursor,
        limit: u32,
    ) -> Result<Changed, StoreError> {
        if cursor.snapshot.is_empty() {
            return nothing(inner.now().await?);
        }
        match soon(inner.since(cursor, limit)).await {
            Err(StoreError::Unavailable(_)) => nothing(ChangeCursor::after(String::new())),
            done => done,
        }
    }
}

/// Before the reader itself gives up.
async fn soon<T>(read: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(Duration::from_secs(1), read)
        .await
        .unwrap_or_else(|elapsed| Err(StoreError::Unavailable(elapsed.into())))
}

/// A read that failed was the last one.
#[derive(Default)]
struct Deaf(AtomicBool);

#[async_trait]
impl AlteredLog for Deaf {
    async fn since(
        &self,
        inner: &Inner,
        cursor: &ChangeCursor,
        limit: u32,
    ) -> Result<Changed, StoreError> {
        if self.0.load(Ordering::Relaxed) {
            return nothing(cursor.clone());
        }
        let read = soon(inner.since(cursor, limit)).await;
        self.0.store(read.is_err(), Ordering::Relaxed);
        read
    }
}

/// After its only connection broke, nothing is read from the log any more.
struct OnOneConnection(OneConnection);

#[async_trait]
impl AlteredLog for OnOneConnection {
    /// The connection is there before a subscription is live.
    async fn now(&self, inner: &Inner) -> Result<ChangeCursor, StoreError> {
        match soon(async { Ok(self.0.probe().await) }).await? {
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
        match soon(async { Ok(self.0.probe().await) }).await? {
            Ok(()) => inner.since(cursor, limit).await,
            Err(_) => nothing(cursor.clone()),
        }
    }
}

/// What was read is passed on through Redis, and is lost with it.
struct ThroughRedis(redis::Client);

#[async_trait]
impl AlteredLog for ThroughRedis {
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

fn nothing(cursor: ChangeCursor) -> Result<Changed, StoreError> {
    Ok(Changed {
        users: Vec::new(),
        cursor,
    })
}
