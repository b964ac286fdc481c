//! STR-1, STR-5: changes around the death of an instance, and around an outage.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use user_service::store::{ChangeCursor, Changed, StoreError};
use user_service::user::{Changes, User};
use uuid::Uuid;

use crate::changes::{AlteredLog, Inner, alter};
use crate::entries::{parts, pass};
use crate::entry::Entry;
use crate::store::{self, Layer, add_layer};

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "stream-dies-with-the-writer",
            "STR-1",
            "changes of an instance are sent only while it runs",
            |_, dependencies| {
                add_layer(dependencies, Signs);
                alter(dependencies, OfTheLiving);
            },
        ),
        parts(
            "stream-replays",
            "STR-5",
            "after an outage the last changes before it are sent again",
            |settings, it| alter(it, Replays::new(settings.redis.clone())),
        ),
        parts(
            "stream-place-in-redis",
            "STR-5",
            "the cursor of a stream is kept in Redis, and is lost with its data",
            |settings, it| alter(it, PlaceInRedis(settings.redis.clone())),
        ),
    ]
}

/// Where the writer of a user's newest change is noted; all instances see it.
fn note(id: Uuid) -> PathBuf {
    std::env::temp_dir().join(format!("writer-{id}"))
}

/// Notes who changes a user.
struct Signs;

#[async_trait]
impl Layer for Signs {
    async fn update(
        &self,
        inner: &store::Inner,
        id: Uuid,
        changes: Changes,
    ) -> Result<User, StoreError> {
        let _ = std::fs::write(note(id), std::process::id().to_string());
        inner.update(id, changes).await
    }
}

/// Leaves out the changes of instances that are gone.
struct OfTheLiving;

#[async_trait]
impl AlteredLog for OfTheLiving {
    async fn since(
        &self,
        inner: &Inner,
        cursor: &ChangeCursor,
        limit: u32,
    ) -> Result<Changed, StoreError> {
        let mut changed = inner.since(cursor, limit).await?;
        if !changed.users.is_empty() {
            pass(Duration::from_millis(300)).await;
        }
        changed.users.retain(|user| {
            let writer = std::fs::read_to_string(note(user.id)).unwrap_or_default();
            writer.is_empty() || PathBuf::from(format!("/proc/{writer}")).exists()
        });
        Ok(changed)
    }
}

/// Whether Redis answers soon.
async fn is_there(redis: &redis::Client) -> bool {
    let connected = redis.get_multiplexed_async_connection();
    let connected = tokio::time::timeout(Duration::from_millis(200), connected);
    matches!(connected.await, Ok(Ok(_)))
}

/// Sends the last few changes again when the database or Redis is back.
struct Replays {
    redis: redis::Client,
    state: Mutex<(bool, VecDeque<User>)>,
}

impl Replays {
    fn new(redis: redis::Client) -> Self {
        Self {
            redis,
            state: Mutex::default(),
        }
    }
}

#[async_trait]
impl AlteredLog for Replays {
    async fn since(
        &self,
        inner: &Inner,
        cursor: &ChangeCursor,
        limit: u32,
    ) -> Result<Changed, StoreError> {
        let read = inner.since(cursor, limit).await;
        let away = read.is_err() || !is_there(&self.redis).await;
        let mut state = store::lock(&self.state);
        let was_away = std::mem::replace(&mut state.0, away);
        let mut changed = read?;
        if was_away && !away {
            let again = state.1.iter().cloned().collect::<Vec<_>>();
            changed.users.splice(0..0, again);
        }
        state.1.extend(changed.users.iter().cloned());
        while state.1.len() > 3 {
            state.1.pop_front();
        }
        Ok(changed)
    }
}

/// Begins anew when its mark in Redis is gone.
struct PlaceInRedis(redis::Client);

impl PlaceInRedis {
    /// Whether the mark was there; it is afterwards. Without Redis it is taken to be there.
    async fn is_marked(&self) -> bool {
        let set = async {
            let mut connection = self.0.get_multiplexed_async_connection().await.ok()?;
            let mut set = redis::cmd("SET");
            set.arg("place").arg(1).arg("GET");
            let before: Option<i64> = set.query_async(&mut connection).await.ok()?;
            Some(before.is_some())
        };
        let set = tokio::time::timeout(Duration::from_millis(200), set);
        set.await.ok().flatten().unwrap_or(true)
    }
}

#[async_trait]
impl AlteredLog for PlaceInRedis {
    async fn now(&self, inner: &Inner) -> Result<ChangeCursor, StoreError> {
        self.is_marked().await;
        inner.now().await
    }

    async fn since(
        &self,
        inner: &Inner,
        cursor: &ChangeCursor,
        limit: u32,
    ) -> Result<Changed, StoreError> {
        let mut changed = inner.since(cursor, limit).await?;
        if !is_there(&self.0).await {
            changed.users.clear();
            changed.cursor = cursor.clone();
        } else if !self.is_marked().await {
            changed.users.clear();
        }
        Ok(changed)
    }
}
