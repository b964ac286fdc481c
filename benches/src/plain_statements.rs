//! The plain SQL statements of the calls, through a pool of sqlx: the baseline without a service. They use a copy
//! of the table `users` with its columns and indexes, but without triggers.

use std::str::FromStr as _;

use anyhow::Context as _;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use uuid::Uuid;

use crate::fixture::CONNECTIONS;

const COLUMNS: &str = "id, email, name, status, created_at, updated_at, metadata";

/// Runs plain statements through a pool as large as the subject's.
#[derive(Clone)]
pub struct PlainStatements {
    pool: PgPool,
    get: String,
    page: String,
    page_filtered: String,
}

/// The number of users that one statement inserts. Each insert updates the row with the count of users, so a
/// larger transaction leaves many row versions that slow it down.
const BATCH_SIZE: usize = 1000;

impl PlainStatements {
    /// Connects, and inserts this many users into `users` and its copy.
    pub async fn create_users(url: &str, users: u32) -> anyhow::Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            // Skips the ping before each statement, which would be measured too.
            .test_before_acquire(false)
            .connect_with(PgConnectOptions::from_str(url)?)
            .await?;
        for first in (1..=users).step_by(BATCH_SIZE) {
            insert_batch(&pool, first, users)
                .await
                .context("cannot insert users")?;
        }
        for statement in [
            "CREATE TABLE baseline_users (LIKE users INCLUDING ALL)",
            "INSERT INTO baseline_users SELECT * FROM users",
            "VACUUM ANALYZE users",
            "VACUUM ANALYZE baseline_users",
        ] {
            sqlx::query(statement).execute(&pool).await?;
        }
        let page = |filter: &str| {
            format!(
                "SELECT {COLUMNS} FROM baseline_users {filter} ORDER BY created_at, id LIMIT 20"
            )
        };
        Ok(Self {
            pool,
            get: format!("SELECT {COLUMNS} FROM baseline_users WHERE id = $1"),
            page: page(""),
            page_filtered: page("WHERE status = 'INACTIVE'"),
        })
    }

    /// Ids of 1,000 existing users.
    pub async fn ids(&self) -> anyhow::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar("SELECT id FROM users ORDER BY md5(email) LIMIT 1000");
        Ok(ids.fetch_all(&self.pool).await?)
    }

    /// The process ids of the database's connections.
    pub async fn backend_pids(&self) -> anyhow::Result<Vec<i32>> {
        let pids = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()";
        Ok(sqlx::query_scalar(pids).fetch_all(&self.pool).await?)
    }

    /// Reads one user by id.
    pub async fn get(&self, id: Uuid) -> anyhow::Result<()> {
        let user = sqlx::query(sqlx::AssertSqlSafe(self.get.as_str())).bind(id);
        user.fetch_one(&self.pool).await?;
        Ok(())
    }

    /// Inserts one user.
    pub async fn create(&self) -> anyhow::Result<()> {
        let id = Uuid::now_v7();
        sqlx::query(
            "INSERT INTO baseline_users (id, email, name, metadata) VALUES ($1, $2, $3, '{}') \
             RETURNING id, email, name, status, created_at, updated_at, metadata",
        )
        .bind(id)
        .bind(format!("{id}@example.com"))
        .bind("Ada")
        .fetch_one(&self.pool)
        .await?;
        Ok(())
    }

    /// Updates the name of one user.
    pub async fn update(&self, id: Uuid, name: &str) -> anyhow::Result<()> {
        sqlx::query(
            "UPDATE baseline_users SET name = $2, updated_at = clock_timestamp() WHERE id = $1 \
             RETURNING id, email, name, status, created_at, updated_at, metadata",
        )
        .bind(id)
        .bind(name)
        .fetch_one(&self.pool)
        .await?;
        Ok(())
    }

    /// Reads the first 20 users, of all or of the few inactive ones, without a count.
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

/// Inserts a batch of users with numbers from `first`; the last number of all batches is `users`.
async fn insert_batch(pool: &PgPool, first: u32, users: u32) -> anyhow::Result<()> {
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
    .bind(i32::try_from(BATCH_SIZE)?)
    .execute(pool)
    .await?;
    Ok(())
}
