//! What changed, for streams: a table that each create and update also writes to.
//!
//! Transactions become visible in another order than they began in, so no number shows a reader
//! how far it has read. A snapshot does: it says which transactions a read could see, and the next
//! read takes those that it could not, however long their commit took. A transaction that stays
//! open delays no reader.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{FromRow as _, Row as _};

use super::StoreError;
use super::pool::Pool;
use crate::user::User;

const NOW: &str = "SELECT pg_current_snapshot()::text";

/// Without a change it is one row of nulls, which still holds the snapshot. A transaction that an
/// earlier snapshot did not see was either running then, or began later. `+ 0` keeps the planner from
/// the index of numbers, most of which were seen long ago.
const SINCE: &str = "\
    SELECT coalesce($2::pg_snapshot, pg_current_snapshot())::text AS snapshot, change.* \
    FROM (VALUES (1)) AS one \
    LEFT JOIN LATERAL ( \
        SELECT number, id, email, name, status, metadata, created_at, updated_at FROM ( \
            SELECT * FROM user_changes \
            WHERE transaction >= pg_snapshot_xmax($1::pg_snapshot) \
            UNION ALL \
            SELECT * FROM user_changes \
            WHERE transaction = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot))) \
        ) AS unseen \
        WHERE number + 0 > $3 \
            AND ($2::pg_snapshot IS NULL OR pg_visible_in_snapshot(transaction, $2::pg_snapshot)) \
    ) AS change ON true \
    ORDER BY number LIMIT $4";

/// The lowest numbers are the oldest, give or take those that were taken at the same time.
const PRUNE: &str = "\
    DELETE FROM user_changes \
    WHERE number IN (SELECT number FROM user_changes ORDER BY number LIMIT $2) \
        AND made_at < clock_timestamp() - make_interval(secs => $1)";

/// The cursor of a reader: which changes it has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeCursor {
    /// Those of this snapshot: PostgreSQL's own text for it.
    pub snapshot: String,
    /// And the first of a later one.
    pub partial: Option<PartialRead>,
}

/// The changes of a snapshot up to a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialRead {
    /// The snapshot.
    pub snapshot: String,
    /// The last number that was read.
    pub number: i64,
}

impl ChangeCursor {
    /// All changes of a snapshot, and no others.
    pub fn after(snapshot: String) -> Self {
        Self {
            snapshot,
            partial: None,
        }
    }
}

/// What a read found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The users as the changes left them; those of one user in commit order.
    pub users: Vec<User>,
    /// Where to read on; partial, if there is more.
    pub cursor: ChangeCursor,
}

/// Reads which users were created or updated. Each change is in exactly one of the reads that follow
/// each other (STR-3).
#[async_trait]
pub trait ChangeLog: Send + Sync + 'static {
    /// The cursor after all changes so far.
    async fn now(&self) -> Result<ChangeCursor, StoreError>;

    /// The changes after the cursor: the first of them, if they are more than `limit`.
    async fn since(&self, cursor: &ChangeCursor, limit: u32) -> Result<Changed, StoreError>;

    /// Forgets at most `limit` changes that are older than `age`; says how many they were.
    async fn prune(&self, age: Duration, limit: u32) -> Result<u64, StoreError>;
}

/// The change table of [`super::PgStore`].
pub struct PgChanges {
    pool: Pool,
}

impl PgChanges {
    /// Reads on these connections; one is enough, and one of its own never waits for calls.
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl ChangeLog for PgChanges {
    async fn now(&self) -> Result<ChangeCursor, StoreError> {
        let snapshot = self.pool.run("change_cursor", async |connection| {
            sqlx::query_scalar(NOW).fetch_one(connection).await
        });
        snapshot.await.map(ChangeCursor::after)
    }

    async fn since(&self, cursor: &ChangeCursor, limit: u32) -> Result<Changed, StoreError> {
        let partial = cursor.partial.as_ref();
        self.pool
            .run("read_changes", async |connection| {
                let rows = sqlx::query(SINCE)
                    .bind(&cursor.snapshot)
                    .bind(partial.map(|it| &it.snapshot))
                    .bind(partial.map_or(0, |it| it.number))
                    .bind(i64::from(limit))
                    .fetch_all(connection)
                    .await?;
                changed(cursor, &rows, limit)
            })
            .await
    }

    async fn prune(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        let pruned = self.pool.run("prune_changes", async |connection| {
            sqlx::query(PRUNE)
                .bind(age.as_secs_f64())
                .bind(i64::from(limit))
                .execute(connection)
                .await
        });
        pruned.await.map(|done| done.rows_affected())
    }
}

fn changed(
    before: &ChangeCursor,
    rows: &[sqlx::postgres::PgRow],
    limit: u32,
) -> sqlx::Result<Changed> {
    let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let snapshot: String = first.try_get("snapshot")?;
    let mut users = Vec::with_capacity(rows.len());
    let mut last = None;
    for row in rows {
        last = row.try_get("number")?;
        if last.is_some() {
            users.push(User::from_row(row)?);
        }
    }
    let is_full = usize::try_from(limit).is_ok_and(|limit| users.len() >= limit);
    let cursor = match last.filter(|_| is_full) {
        Some(number) => ChangeCursor {
            snapshot: before.snapshot.clone(),
            partial: Some(PartialRead { snapshot, number }),
        },
        None => ChangeCursor::after(snapshot),
    };
    Ok(Changed { users, cursor })
}
