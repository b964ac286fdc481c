//! STR-1, STR-5: changes before the crash of an instance or an outage.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use user_service::store::{ChangeCursor, Changed, StoreError};
use user_service::user::{Changes, User};
use uuid::Uuid;

use crate::change_log::{ChangeLogLayer, Inner, wrap_change_log};
use crate::entries::{delay, user_service_mutant};
use crate::mutant::Mutant;
use crate::store::{self, StoreLayer, wrap_store};

pub fn mutants() -> Vec<Mutant> {
    vec![
        user_service_mutant(
            "stream-dies-with-the-writer",
            "STR-1",
            "changes written by an instance that has ended are not sent",
            |_, dependencies| {
                wrap_store(dependencies, RecordsWriter);
                wrap_change_log(dependencies, DropsChangesOfEndedWriters);
            },
        ),
        user_service_mutant(
            "stream-replays",
            "STR-5",
            "after an outage the last changes before the outage are sent again",
            |settings, dependencies| {
                wrap_change_log(
                    dependencies,
                    ReplaysAfterOutage::new(settings.redis.clone()),
                );
            },
        ),
        user_service_mutant(
            "stream-place-in-redis",
            "STR-5",
            "the cursor of a stream is kept in Redis, and is lost when Redis loses its data",
            |settings, dependencies| {
                wrap_change_log(dependencies, CursorInRedis(settings.redis.clone()));
            },
        ),
    ]
}

/// The file with the process id of a user's last writer; all instances share it.
fn writer_file(id: Uuid) -> PathBuf {
    std::env::temp_dir().join(format!("writer-{id}"))
}

/// Records the process that updates a user.
struct RecordsWriter;

#[async_trait]
impl StoreLayer for RecordsWriter {
    async fn update(
        &self,
        inner: &store::Inner,
        id: Uuid,
        changes: Changes,
    ) -> Result<User, StoreError> {
        let _ = std::fs::write(writer_file(id), std::process::id().to_string());
        inner.update(id, changes).await
    }
}

/// Drops changes whose writer's process has ended.
struct DropsChangesOfEndedWriters;

#[async_trait]
impl ChangeLogLayer for DropsChangesOfEndedWriters {
    async fn since(
        &self,
        inner: &Inner,
        cursor: &ChangeCursor,
        limit: u32,
    ) -> Result<Changed, StoreError> {
        let mut changed = inner.since(cursor, limit).await?;
        if !changed.users.is_empty() {
            delay(Duration::from_millis(300)).await;
        }
        changed.users.retain(|user| {
            let writer = std::fs::read_to_string(writer_file(user.id)).unwrap_or_default();
            writer.is_empty() || PathBuf::from(format!("/proc/{writer}")).exists()
        });
        Ok(changed)
    }
}

/// Whether Redis accepts a connection within 200 ms.
async fn is_reachable(redis: &redis::Client) -> bool {
    let connected = redis.get_multiplexed_async_connection();
    let connected = tokio::time::timeout(Duration::from_millis(200), connected);
    matches!(connected.await, Ok(Ok(_)))
}

/// Replays the last three changes after an outage of the database or of Redis.
struct ReplaysAfterOutage {
    redis: redis::Client,
    state: Mutex<(bool, VecDeque<User>)>,
}

impl ReplaysAfterOutage {
    fn new(redis: redis::Client) -> Self {
        Self {
            redis,
            state: Mutex::default(),
        }
    }
}

#[async_trait]
impl ChangeLogLayer for ReplaysAfterOutage {
    async fn since(
        &self,
        inner: &Inner,
        cursor: &ChangeCursor,
        limit: u32,
    ) -> Result<Changed, StoreError> {
        let read = inner.since(cursor, limit).await;
        let is_outage = read.is_err() || !is_reachable(&self.redis).await;
        let mut state = store::lock(&self.state);
        let was_outage = std::mem::replace(&mut state.0, is_outage);
        let mut changed = read?;
        if was_outage && !is_outage {
            let replayed = state.1.iter().cloned().collect::<Vec<_>>();
            changed.users.splice(0..0, replayed);
        }
        state.1.extend(changed.users.iter().cloned());
        while state.1.len() > 3 {
            state.1.pop_front();
        }
        Ok(changed)
    }
}

/// Skips changes when the cursor's key in Redis was lost.
struct CursorInRedis(redis::Client);

impl CursorInRedis {
    /// Sets the key; returns whether it existed before, and true without Redis.
    async fn replace_key(&self) -> bool {
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
impl ChangeLogLayer for CursorInRedis {
    async fn now(&self, inner: &Inner) -> Result<ChangeCursor, StoreError> {
        self.replace_key().await;
        inner.now().await
    }

    async fn since(
        &self,
        inner: &Inner,
        cursor: &ChangeCursor,
        limit: u32,
    ) -> Result<Changed, StoreError> {
        let mut changed = inner.since(cursor, limit).await?;
        if !is_reachable(&self.0).await {
            changed.users.clear();
            changed.cursor = cursor.clone();
        } else if !self.replace_key().await {
            changed.users.clear();
        }
        Ok(changed)
    }
}
