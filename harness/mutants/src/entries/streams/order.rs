//! STR-3: in which order, and how often.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use user_service::filter::Filter;
use user_service::order;
use user_service::settings::Settings;
use user_service::store::{
    ChangeCursor, ChangeLog, Changed, ListQuery, PgChanges, Pool, Store, StoreError,
};

use super::altered_users;
use crate::changes::{AlteredLog, Inner, alter};
use crate::entries::parts;
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![
        altered_users(
            "stream-doubles",
            "STR-3",
            "the last change of a read is sent twice",
            |mut users| {
                users.extend(users.last().cloned());
                users
            },
        ),
        altered_users(
            "stream-backwards",
            "STR-3",
            "the changes of one read are sent newest first",
            |mut users| {
                users.reverse();
                users
            },
        ),
        altered_users(
            "stream-newest-only",
            "STR-3",
            "of the changes of one read only each user's newest state is sent",
            |users| {
                let newest = |user: &user_service::user::User| {
                    let others = users.iter().filter(|other| other.id == user.id);
                    others.map(|other| other.updated_at).max() == Some(user.updated_at)
                };
                users.iter().filter(|it| newest(it)).cloned().collect()
            },
        ),
        parts(
            "stream-short-reads",
            "STR-3",
            "of changes made at the same time only the first three are sent",
            |_, it| alter(it, ShortReads),
        ),
        parts(
            "stream-by-number",
            "STR-3",
            "changes are read on from the highest number seen",
            |settings, it| it.changes = Arc::new(ByNumber::new(settings)),
        ),
        parts(
            "stream-by-updated-at",
            "STR-3",
            "changes are found by looking for users with a later updated_at",
            |_, it| it.changes = Arc::new(ByMoment(it.store.clone())),
        ),
    ]
}

/// What a read had no room for is taken for read.
struct ShortReads;

#[async_trait]
impl AlteredLog for ShortReads {
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

/// A change log in SQL of its own, where it differs.
struct Sql {
    pool: Pool,
    real: PgChanges,
}

impl Sql {
    fn new(settings: &Settings) -> Self {
        let pool = || Pool::new(settings.database.clone(), 1, Duration::from_secs(2));
        Self {
            pool: pool(),
            real: PgChanges::new(pool()),
        }
    }

    async fn text(&self, statement: &'static str) -> Result<String, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let text = sqlx::query_scalar(statement)
            .fetch_one(connection.inner())
            .await;
        connection.release(text)
    }

    async fn users(
        &self,
        statement: &'static str,
        seen: &str,
    ) -> Result<Vec<user_service::user::User>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let users = sqlx::query_as(statement)
            .bind(seen)
            .fetch_all(connection.inner())
            .await;
        connection.release(users)
    }
}

/// Transactions that become visible late are passed over.
struct ByNumber(Sql);

impl ByNumber {
    fn new(settings: &Settings) -> Self {
        Self(Sql::new(settings))
    }
}

#[async_trait]
impl ChangeLog for ByNumber {
    async fn now(&self) -> Result<ChangeCursor, StoreError> {
        let highest = "SELECT coalesce(max(number), 0)::text FROM user_changes";
        self.0.text(highest).await.map(ChangeCursor::after)
    }

    async fn since(&self, cursor: &ChangeCursor, _: u32) -> Result<Changed, StoreError> {
        let highest = self.now().await?;
        let statement = "SELECT * FROM user_changes WHERE number > $1::bigint ORDER BY number";
        let users = self.0.users(statement, &cursor.snapshot).await?;
        Ok(Changed {
            users,
            cursor: highest,
        })
    }

    async fn prune(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        self.0.real.prune(age, limit).await
    }
}

/// Users are listed by `updated_at`, as far back as the newest that was seen.
struct ByMoment(Arc<dyn Store>);

#[async_trait]
impl ChangeLog for ByMoment {
    async fn now(&self) -> Result<ChangeCursor, StoreError> {
        let newest = self.newest(1).await?;
        let newest = newest.first().map(|it| it.updated_at).unwrap_or_default();
        Ok(ChangeCursor::after(newest.to_rfc3339()))
    }

    async fn since(&self, cursor: &ChangeCursor, _: u32) -> Result<Changed, StoreError> {
        let mut users = self.newest(1000).await?;
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

impl ByMoment {
    async fn newest(&self, size: u32) -> Result<Vec<user_service::user::User>, StoreError> {
        let query = ListQuery {
            filter: Filter::default(),
            order: order::parse("updated_at desc").expect("an order"),
            after: None,
            size,
        };
        Ok(self.0.list(query).await?.users)
    }
}
