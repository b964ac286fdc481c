//! Users in PostgreSQL. Each call is one statement, and so one transaction; one that makes or changes
//! a user also writes it to the change table ([`super::changes`]).

use async_trait::async_trait;
use sqlx::types::Json;
use uuid::Uuid;

use super::list;
use super::pool::Pool;
use super::{ListQuery, Page, Store, StoreError};
use crate::password::PasswordHash;
use crate::user::{Changes, NewUser, User, UserStatus};

const CREATE: &str = "\
    WITH changed AS ( \
        INSERT INTO users (id, email, name, metadata, password_hash) VALUES ($1, $2, $3, $4, $5) \
        RETURNING id, email, name, status, created_at, updated_at, metadata), \
    recorded AS ( \
        INSERT INTO user_changes (id, email, name, status, created_at, updated_at, metadata) \
        SELECT id, email, name, status, created_at, updated_at, metadata FROM changed) \
    SELECT id, email, name, status, created_at, updated_at, metadata FROM changed";

const GET: &str = "\
    SELECT id, email, name, status, created_at, updated_at, metadata FROM users WHERE id = $1";

/// `updated_at` moves forward even if the clock does not, also against a concurrent update (USR-10):
/// PostgreSQL reads the row again once it has its lock.
const UPDATE: &str = "\
    WITH changed AS ( \
        UPDATE users SET \
            email = coalesce($2, email), \
            name = coalesce($3, name), \
            status = coalesce($4, status), \
            metadata = coalesce($5, metadata), \
            updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond') \
        WHERE id = $1 \
        RETURNING id, email, name, status, created_at, updated_at, metadata), \
    recorded AS ( \
        INSERT INTO user_changes (id, email, name, status, created_at, updated_at, metadata) \
        SELECT id, email, name, status, created_at, updated_at, metadata FROM changed) \
    SELECT id, email, name, status, created_at, updated_at, metadata FROM changed";

const DELETE: &str = "DELETE FROM users WHERE id = $1 RETURNING id";

/// Keeps users in PostgreSQL. Reads go there too, never to a cache, so that they see every acknowledged write (USR-11).
pub struct PgStore {
    pool: Pool,
}

impl PgStore {
    /// A store on these connections.
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl Store for PgStore {
    async fn create(&self, user: NewUser) -> Result<User, StoreError> {
        self.pool
            .run("create_user", async |connection| {
                sqlx::query_as(CREATE)
                    .bind(Uuid::now_v7())
                    .bind(user.email)
                    .bind(user.name)
                    .bind(Json(user.metadata))
                    .bind(user.password_hash.map(|PasswordHash(text)| text))
                    .fetch_one(connection)
                    .await
            })
            .await
    }

    async fn get(&self, id: Uuid) -> Result<User, StoreError> {
        self.pool
            .run("get_user", async |connection| {
                sqlx::query_as(GET).bind(id).fetch_one(connection).await
            })
            .await
    }

    async fn update(&self, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        self.pool
            .run("update_user", async |connection| {
                sqlx::query_as(UPDATE)
                    .bind(id)
                    .bind(changes.email)
                    .bind(changes.name)
                    .bind(changes.status.map(UserStatus::name))
                    .bind(changes.metadata.map(Json))
                    .fetch_one(connection)
                    .await
            })
            .await
    }

    async fn delete(&self, id: Uuid) -> Result<(), StoreError> {
        self.pool
            .run("delete_user", async |connection| {
                let deleted = sqlx::query(DELETE).bind(id).fetch_one(connection).await;
                deleted.map(|_| ())
            })
            .await
    }

    async fn list(&self, query: ListQuery) -> Result<Page, StoreError> {
        self.pool
            .run("list_users", async |connection| {
                let mut statement = list::statement(&query);
                let rows = statement.build().fetch_all(connection).await?;
                list::page(&rows, query.size)
            })
            .await
    }
}
