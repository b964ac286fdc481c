//! STR-3: the order of changes, lost and repeated changes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use user_service::filter::Filter;
use user_service::order;
use user_service::settings::Settings;
use user_service::store::{
    ChangeCursor, ChangeLog, Changed, ListQuery, PgChanges, Pool, Store, StoreError,
};

use super::change_log_mutant;
use crate::change_log::{ChangeLogLayer, Inner, wrap_change_log};
use crate::entries::user_service_mutant;
use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    vec![
        change_log_mutant(
            "stream-doubles",
            "STR-3",
            "the last change of a read is sent twice",
            |mut users| {
                users.extend(users.last().cloned());
                users
            },
        ),
        change_log_mutant(
            "stream-backwards",
            "STR-3",
            "the changes of one read are sent newest first",
            |mut users| {
                users.reverse();
                users
            },
        ),
        change_log_mutant(
            "stream-newest-only",
            "STR-3",
            "only the newest change of each user in one read is sent",
            |users| {
                let is_newest = |user: &user_service::user::User| {
                    let others = users.iter().filter(|other| other.id == user.id);
                    others.map(|other| other.updated_at).max() == Some(user.updated_at)
                };
                users
                    .iter()
                    .filter(|user| is_newest(user))
                    .cloned()
                    .collect()
            },
        ),
        user_service_mutant(
            "stream-short-reads",
            "STR-3",
            "only the first three of several concurrent changes are sent",
            |_, dependencies| wrap_change_log(dependencies, SkipsAfterThree),
        ),
        user_service_mutant(
            "stream-by-number",
            "STR-3",
            "changes are read after the highest sequence number, so transactions that commit late are skipped",
            |settings, dependencies| {
                dependencies.changes = Arc::new(BySequenceNumber::new(settings));
            },
        ),
        user_service_mutant(
            "stream-by-updated-at",
            "STR-3",
            "changes are found by a later updated_at",
            |_, dependencies| {
                dependencies.changes = Arc::new(ByUpdateTime(dependencies.store.clone()));
            },
        ),
    ]
}

/// Reads three changes and skips the rest of the batch.
struct SkipsAfterThree;

#[async_trait]
impl ChangeLogLayer for SkipsAfterThree {
    async fn since(
        &self,
        inner: &Inner,
        cursor: &ChangeCursor,
        _: u32,
    ) -> Result<Changed, StoreError> {
        let mut changed = inner.since(cursor, 3).await?;
        if let Some(part) = changed.cursor.partial.take() {
            changed.cursor = ChangeCursor::after(part.snapshot);
        }
        Ok(changed)
    }
}

/// Runs SQL statements of a faulty change log; `real` is the reference's log.
struct ChangeLogSql {
    pool: Pool,
    real: PgChanges,
}

impl ChangeLogSql {
    fn new(settings: &Settings) -> Self {
        let pool = || Pool::new(settings.database.clone(), 1, Duration::from_secs(2));
        Self {
            pool: pool(),
            real: PgChanges::new(pool()),
        }
    }

    async fn query_text(&self, statement: &'static str) -> Result<String, StoreError> {
        self.pool
            .run("change_cursor", async |connection| {
                sqlx::query_scalar(statement).fetch_one(connection).await
            })
            .await
    }

    async fn query_users(
        &self,
        statement: &'static str,
        cursor: &str,
    ) -> Result<Vec<user_service::user::User>, StoreError> {
        self.pool
            .run("read_changes", async |connection| {
                let users = sqlx::query_as(statement).bind(cursor);
                users.fetch_all(connection).await
            })
            .await
    }
}

/// Reads changes after the highest sequence number; skips transactions that commit late.
struct BySequenceNumber(ChangeLogSql);

impl BySequenceNumber {
    fn new(settings: &Settings) -> Self {
        Self(ChangeLogSql::new(settings))
    }
}

#[async_trait]
impl ChangeLog for BySequenceNumber {
    async fn now(&self) -> Result<ChangeCursor, StoreError> {
        let highest = "SELECT coalesce(max(number), 0)::text FROM user_changes";
        self.0.query_text(highest).await.map(ChangeCursor::after)
    }

    async fn since(&self, cursor: &ChangeCursor, _: u32) -> Result<Changed, StoreError> {
        let highest = self.now().await?;
        let statement = "SELECT * FROM user_changes WHERE number > $1::bigint ORDER BY number";
        let users = self.0.query_users(statement, &cursor.snapshot).await?;
        Ok(Changed {
            users,
            cursor: highest,
        })
    }

    async fn prune(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        self.0.real.prune(age, limit).await
    }
}

/// Finds changes by listing users with a later `updated_at`.
struct ByUpdateTime(Arc<dyn Store>);

#[async_trait]
impl ChangeLog for ByUpdateTime {
    async fn now(&self) -> Result<ChangeCursor, StoreError> {
        let newest = self.newest_users(1).await?;
        let newest = newest.first().map(|it| it.updated_at).unwrap_or_default();
        Ok(ChangeCursor::after(newest.to_rfc3339()))
    }

    async fn since(&self, cursor: &ChangeCursor, _: u32) -> Result<Changed, StoreError> {
        let mut users = self.newest_users(1000).await?;
        let last: chrono::DateTime<chrono::Utc> = cursor.snapshot.parse().unwrap_or_default();
        users.retain(|it| it.updated_at > last);
        let newest = users.first().map(|it| it.updated_at.to_rfc3339());
        users.reverse();
        Ok(Changed {
            users,
            cursor: ChangeCursor::after(newest.unwrap_or_else(|| cursor.snapshot.clone())),
        })
    }

    async fn prune(&self, _: Duration, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}

impl ByUpdateTime {
    async fn newest_users(&self, size: u32) -> Result<Vec<user_service::user::User>, StoreError> {
        let query = ListQuery {
            filter: Filter::default(),
            order: order::parse("updated_at desc").expect("an order"),
            after: None,
            size,
        };
        Ok(self.0.list(query).await?.users)
    }
}
