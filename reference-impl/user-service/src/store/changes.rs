//! What changed, for streams: a table that each create and update also writes to.
//!
//! Transactions become visible in another order than they began in, so no number tells a reader
//! how far it has read. A snapshot does: it says which transactions a read could see, and the next
//! read takes those that it could not, however long their commit took. A transaction that stays
//! open holds up nobody.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{FromRow as _, Row as _};

use super::StoreError;
use super::pool::Pool;
use crate::user::User;

const NOW: &str = "SELECT pg_current_snapshot()::text";

/// Without a change it is one row of nulls, which still tells the snapshot. A transaction that an
/// earlier snapshot did not see was either running then, or began later.
const SINCE: &str = "\
    SELECT pg_current_snapshot()::text AS snapshot, change.* \
    FROM (VALUES (1)) AS one \
    LEFT JOIN LATERAL ( \
        SELECT number, id, email, name, status, metadata, created_at, updated_at FROM user_changes \
        WHERE transaction >= pg_snapshot_xmax($1::pg_snapshot) \
        UNION ALL \
        SELECT number, id, email, name, status, metadata, created_at, updated_at FROM user_changes \
        WHERE transaction = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot))) \
    ) AS change ON true \
    ORDER BY number LIMIT $2";

/// The lowest numbers are the oldest, give or take those that were taken at the same time.
const PRUNE: &str = "\
    DELETE FROM user_changes \
    WHERE number IN (SELECT number FROM user_changes ORDER BY number LIMIT $2) \
        AND made_at < clock_timestamp() - make_interval(secs => $1)";

/// Which changes a reader has seen; PostgreSQL's own text for a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen(pub String);

/// What a read found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The users as the changes left them; those of one user in commit order.
    pub users: Vec<User>,
    /// Whether there is more than a read takes. What is missing cannot be told any more.
    pub is_cut: bool,
    /// What has been seen after it.
    pub seen: Seen,
}

/// Tells which users were created or updated. Each change is in exactly one of the reads that follow
/// each other (STR-3).
#[async_trait]
pub trait ChangeLog: Send + Sync + 'static {
    /// All changes so far, seen without a look.
    async fn now(&self) -> Result<Seen, StoreError>;

    /// Those that `seen` does not hold, at most `limit`.
    async fn since(&self, seen: &Seen, limit: u32) -> Result<Changed, StoreError>;

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
    async fn now(&self) -> Result<Seen, StoreError> {
        let mut lease = self.pool.lease().await?;
        let seen = sqlx::query_scalar(NOW).fetch_one(lease.connection()).await;
        lease.end(seen).map(Seen)
    }

    async fn since(&self, seen: &Seen, limit: u32) -> Result<Changed, StoreError> {
        let mut lease = self.pool.lease().await?;
        let rows = sqlx::query(SINCE)
            .bind(&seen.0)
            .bind(i64::from(limit) + 1)
            .fetch_all(lease.connection())
            .await;
        lease.end(rows.and_then(|rows| changed(&rows, limit)))
    }

    async fn prune(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        let mut lease = self.pool.lease().await?;
        let pruned = sqlx::query(PRUNE)
            .bind(age.as_secs_f64())
            .bind(i64::from(limit))
            .execute(lease.connection())
            .await;
        lease.end(pruned).map(|done| done.rows_affected())
    }
}

fn changed(rows: &[sqlx::postgres::PgRow], limit: u32) -> sqlx::Result<Changed> {
    let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let seen = Seen(first.try_get("snapshot")?);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut users = Vec::with_capacity(rows.len());
    for row in rows.iter().take(limit) {
        if row.try_get::<Option<i64>, _>("number")?.is_some() {
            users.push(User::from_row(row)?);
        }
    }
    Ok(Changed {
        users,
        is_cut: rows.len() > limit,
        seen,
    })
}
