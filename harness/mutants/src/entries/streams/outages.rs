//! STR-5: when something goes away.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;
use user_service::store::{ChangeCursor, Changed, StoreError};

use crate::changes::{Inner, Retelling, retell};
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
            |_, it| retell(it, Anew),
        ),
        parts(
            "stream-deaf-after-outages",
            "STR-5",
            "after an outage of the database a stream stays open and silent",
            |_, it| retell(it, Deaf::default()),
        ),
        parts(
            "stream-on-one-connection",
            "STR-5",
            "changes are read on one connection for ever, open and silent when it is gone",
            |settings, it| retell(it, Held(OneConnection::of(settings))),
        ),
        parts(
            "stream-lost-with-redis",
            "STR-5",
            "what changes while Redis is away is not told",
            |settings, it| retell(it, ThroughRedis(settings.redis.clone())),
        ),
        parts(
            "stream-refused-internal",
            "STR-5",
            "without the database a new stream is refused with INTERNAL",
            |_, it| {
                wire::statuses(it, "/StreamUsers", |code, message| {
                    (code == 14).then(|| (13, message.to_owned()))
                });
            },
        ),
        parts(
            "stream-stops-cancelled",
            "STR-5",
            "at the signal streams end with CANCELLED",
            |_, it| {
                wire::trailers(it, "/StreamUsers", |code, message| {
                    (code == 14).then(|| (1, message.to_owned()))
                });
            },
        ),
        parts(
            "stream-stops-ok",
            "STR-5",
            "at the signal streams end as if all was well",
            |_, it| {
                wire::trailers(it, "/StreamUsers", |code, _| {
                    (code == 14).then(|| (0, String::new()))
                });
            },
        ),
    ]
}

/// A read that fails is made up for by a new beginning.
struct Anew;

#[async_trait]
impl Retelling for Anew {
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
impl Retelling for Deaf {
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

/// Whatever the log could tell, nothing is read once the connection is gone.
struct Held(OneConnection);

#[async_trait]
impl Retelling for Held {
    /// The connection is there before a subscription is live.
    async fn now(&self, inner: &Inner) -> Result<ChangeCursor, StoreError> {
        match soon(async { Ok(self.0.ask().await) }).await? {
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
        match soon(async { Ok(self.0.ask().await) }).await? {
            Ok(()) => inner.since(cursor, limit).await,
            Err(_) => nothing(cursor.clone()),
        }
    }
}

/// What was read is passed on through Redis, and is lost with it.
struct ThroughRedis(redis::Client);

#[async_trait]
impl Retelling for ThroughRedis {
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
