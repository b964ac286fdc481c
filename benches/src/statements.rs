//! The SQL statements that the calls need at least, run on sqlx's own pool without a service. They write
//! to a separate table with the columns and indexes of `users`, without its triggers.

use std::str::FromStr as _;

use anyhow::Context as _;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use uuid::Uuid;

use crate::fixture::CONNECTIONS;

const COLUMNS: &str = "id, email, name, status, created_at, updated_at, metadata";

/// The statements, on a pool as large as the subject's.
#[derive(Clone)]
pub struct Statements {
    pool: PgPool,
    get: String,
    page: String,
    page_filtered: String,
}

/// How many users a statement inserts. The service counts users in a row that every insert changes: the dead row
/// versions of one transaction slow down its next statement.
const BATCH: usize = 1000;

impl Statements {
    /// Connects, and fills `users` and its copy with this many users.
    pub async fn prepare(url: &str, users: u32) -> anyhow::Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            // Connections are not pinged, so that only the statement is measured.
            .test_before_acquire(false)
            .connect_with(PgConnectOptions::from_str(url)?)
            .await?;
        for first in (1..=users).step_by(BATCH) {
            insert(&pool, first, users)
                .await
                .context("cannot fill the table")?;
        }
        for statement in [
            "CREATE TABLE plain_users (LIKE users INCLUDING ALL)",
            "INSERT INTO plain_users SELECT * FROM users",
            "VACUUM ANALYZE users",
            "VACUUM ANALYZE plain_users",
        ] {
            sqlx::query(statement).execute(&pool).await?;
        }
        let page = |filter: &str| {
            format!("SELECT {COLUMNS} FROM plain_users {filter} ORDER BY created_at, id LIMIT 20")
        };
        Ok(Self {
            pool,
            get: format!("SELECT {COLUMNS} FROM plain_users WHERE id = $1"),
            page: page(""),
            page_filtered: page("WHERE status = 'INACTIVE'"),
        })
    }

    /// Ids of existing users.
    pub async fn ids(&self) -> anyhow::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar("SELECT id FROM users ORDER BY md5(email) LIMIT 1000");
        Ok(ids.fetch_all(&self.pool).await?)
    }

    /// The processes of the database's connections.
    pub async fn backends(&self) -> anyhow::Result<Vec<i32>> {
        let pids = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()";
        Ok(sqlx::query_scalar(pids).fetch_all(&self.pool).await?)
    }

    /// Reads one user by its id.
    pub async fn get(&self, id: Uuid) -> anyhow::Result<()> {
        let user = sqlx::query(sqlx::AssertSqlSafe(self.get.as_str())).bind(id);
        user.fetch_one(&self.pool).await?;
        Ok(())
    }

    /// Inserts one user, and commits.
    pub async fn create(&self) -> anyhow::Result<()> {
        let id = Uuid::now_v7();
        sqlx::query(
            "INSERT INTO plain_users (id, email, name, metadata) VALUES ($1, $2, $3, '{}') \
             RETURNING id, email, name, status, created_at, updated_at, metadata",
        )
        .bind(id)
        .bind(format!("{id}@example.com"))
        .bind("Ada")
        .fetch_one(&self.pool)
        .await?;
        Ok(())
    }

    /// Renames one user, and commits.
    pub async fn update(&self, id: Uuid, name: &str) -> anyhow::Result<()> {
        sqlx::query(
            "UPDATE plain_users SET name = $2, updated_at = clock_timestamp() WHERE id = $1 \
             RETURNING id, email, name, status, created_at, updated_at, metadata",
        )
        .bind(id)
        .bind(name)
        .fetch_one(&self.pool)
        .await?;
        Ok(())
    }

    /// Reads the first 20 users, of all or of the few inactive ones, without their number.
    pub async fn page(&self, is_filtered: bool) -> anyhow::Result<()> {
        let statement = if is_filtered {
            &self.page_filtered
        } else {
            &self.page
        };
        sqlx::query(sqlx::AssertSqlSafe(statement.as_str()))
            .fetch_all(&self.pool)
            .await?;
        Ok(())
    }
}

/// Inserts a batch of users that begins with number `first`; the last of all batches has number `users`.
async fn insert(pool: &PgPool, first: u32, users: u32) -> anyhow::Result<()> {
    sqlx::query(
        "INSERT INTO users (id, email, name, status, metadata, created_at, updated_at) \
         SELECT gen_random_uuid(), 'user-' || n || '@example.com', 'User ' || n, \
             CASE WHEN n % 20 = 0 THEN 'INACTIVE' ELSE 'ACTIVE' END, \
             '{\"team\": \"blue\", \"role\": \"reader\"}', made, made \
         FROM (SELECT n, now() - make_interval(secs => $2 - n) AS made \
             FROM generate_series($1, least($1 + $3 - 1, $2)) AS n) AS numbered",
    )
    .bind(i32::try_from(first)?)
    .bind(i32::try_from(users)?)
    .bind(i32::try_from(BATCH)?)
    .execute(pool)
    .await?;
    Ok(())
}
