//! How the health of PostgreSQL and Redis is checked, each on a connection of its own.

use std::sync::Arc;

use async_trait::async_trait;
use platform::health::{CheckFailed, Component, Connector, Kept};
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use sqlx::postgres::PgConnectOptions;

use crate::settings::Settings;
use crate::store::{OpenConnection, with_statement_timeout};

/// The component `database`: it answers, and it was migrated.
pub fn database(settings: &Settings) -> Component {
    let timeout = settings.common.health.check_timeout;
    let connector = Database(with_statement_timeout(settings.database.clone(), timeout));
    component(settings, "database", connector)
}

/// The component `redis`: it answers.
pub fn redis(settings: &Settings) -> Component {
    component(settings, "redis", Redis(settings.redis.clone()))
}

fn component(
    settings: &Settings,
    name: &'static str,
    connector: impl Connector + 'static,
) -> Component {
    let health = &settings.common.health;
    Component {
        name,
        optional: health.optional.contains(name),
        check: Arc::new(Kept::new(connector, health.check_timeout)),
    }
}

struct Database(PgConnectOptions);

#[async_trait]
impl Connector for Database {
    type Connection = OpenConnection;

    async fn connect(&self) -> Result<OpenConnection, CheckFailed> {
        OpenConnection::open(&self.0)
            .await
            .map_err(|_| CheckFailed("cannot connect"))
    }

    async fn probe(&self, connection: &mut OpenConnection) -> Result<(), CheckFailed> {
        let is_migrated: bool = sqlx::query_scalar("SELECT to_regclass('users') IS NOT NULL")
            .fetch_one(&mut **connection)
            .await
            .map_err(|_| CheckFailed("cannot query"))?;
        is_migrated.then_some(()).ok_or(CheckFailed("not migrated"))
    }
}

struct Redis(redis::Client);

#[async_trait]
impl Connector for Redis {
    type Connection = MultiplexedConnection;

    async fn connect(&self) -> Result<MultiplexedConnection, CheckFailed> {
        // The check as a whole has a time-out; the library's own would only be another one.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        self.0
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|_| CheckFailed("cannot connect"))
    }

    async fn probe(&self, connection: &mut MultiplexedConnection) -> Result<(), CheckFailed> {
        redis::cmd("PING")
            .exec_async(connection)
            .await
            .map_err(|_| CheckFailed("cannot ping"))
    }
}
