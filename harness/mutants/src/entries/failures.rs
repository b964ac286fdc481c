//! USR-18, USR-19, USR-20: failures of the database and of Redis, and the connection limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use user_service::store::{ListQuery, Page, StoreError};
use user_service::user::{Changes, NewUser, User};
use uuid::Uuid;

use super::connection::OneConnection;
use super::{environment_mutant, output_mutant, set_variable, store_mutant, user_service_mutant};
use crate::mutant::Mutant;
use crate::store::{Inner, StoreLayer, wrap_store};

pub fn mutants() -> Vec<Mutant> {
    let mut all = database();
    all.extend(redis());
    all.extend(connections());
    all
}

/// Fails every call after the first one that could not reach the database.
#[derive(Default)]
struct FailsAfterOutage(AtomicBool);

impl FailsAfterOutage {
    fn check<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if self.0.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable(
                "the database was unreachable before".into(),
            ));
        }
        if let Err(StoreError::Unavailable(_)) = &result {
            self.0.store(true, Ordering::Relaxed);
        }
        result
    }
}

#[async_trait]
impl StoreLayer for FailsAfterOutage {
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        self.check(inner.create(user).await)
    }

    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        self.check(inner.get(id).await)
    }

    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        self.check(inner.update(id, changes).await)
    }

    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        self.check(inner.list(query).await)
    }
}

/// Refuses every create after the first one that the database refused.
#[derive(Default)]
struct FailsAfterRefusal(AtomicBool);

#[async_trait]
impl StoreLayer for FailsAfterRefusal {
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        if self.0.load(Ordering::Relaxed) {
            return Err(StoreError::Refused("current transaction is aborted".into()));
        }
        let created = inner.create(user).await;
        if let Err(StoreError::Refused(_)) = &created {
            self.0.store(true, Ordering::Relaxed);
        }
        created
    }
}

fn database() -> Vec<Mutant> {
    vec![
        output_mutant(
            "database-words-lost",
            "USR-18",
            "the database's error messages are not logged",
            |line| (!line.contains("ERROR")).then_some(line),
        ),
        user_service_mutant(
            "database-patient",
            "USR-18",
            "a call without a database fails 4 s too late",
            |_, dependencies| {
                crate::wire::delay_unavailable(dependencies, Duration::from_secs(4));
            },
        ),
        store_mutant(
            "database-gone-forever",
            "USR-18",
            "after an outage of the database all calls stay UNAVAILABLE",
            FailsAfterOutage::default(),
        ),
        user_service_mutant(
            "database-one-connection",
            "USR-18",
            "users are read through one connection that is never replaced",
            |settings, dependencies| {
                wrap_store(dependencies, OneConnection::new(settings));
            },
        ),
        store_mutant(
            "database-poisoned",
            "USR-18",
            "after one refused create all creates are refused",
            FailsAfterRefusal::default(),
        ),
    ]
}

#[async_trait]
impl StoreLayer for OneConnection {
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        let unavailable = |_| StoreError::Unavailable("the connection is gone".into());
        self.probe().await.map_err(unavailable)?;
        inner.get(id).await
    }
}

/// Pings Redis after every update, and fails if it does not respond within `timeout`.
struct NeedsRedis {
    client: Option<::redis::Client>,
    timeout: Duration,
}

impl NeedsRedis {
    fn from_env(timeout: Duration) -> Self {
        let url = std::env::var("REDIS_URL").unwrap_or_default();
        Self {
            client: ::redis::Client::open(url).ok(),
            timeout,
        }
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let unavailable = || StoreError::Unavailable("Redis is unreachable".into());
        let client = self.client.as_ref().ok_or_else(unavailable)?;
        let ping = async {
            let mut connection = client.get_multiplexed_async_connection().await.ok()?;
            ::redis::cmd("PING").exec_async(&mut connection).await.ok()
        };
        match tokio::time::timeout(self.timeout, ping).await {
            Ok(Some(())) => Ok(()),
            _ => Err(unavailable()),
        }
    }
}

#[async_trait]
impl StoreLayer for NeedsRedis {
    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let user = inner.update(id, changes).await?;
        self.ping().await?;
        Ok(user)
    }
}

fn redis() -> Vec<Mutant> {
    vec![
        user_service_mutant(
            "redis-needed",
            "USR-19",
            "an update fails if Redis does not respond",
            |_, dependencies| {
                wrap_store(
                    dependencies,
                    NeedsRedis::from_env(Duration::from_millis(500)),
                );
            },
        ),
        user_service_mutant(
            "redis-late",
            "USR-19",
            "an update waits up to 20 s for Redis",
            |_, dependencies| {
                wrap_store(dependencies, NeedsRedis::from_env(Duration::from_secs(20)));
            },
        ),
    ]
}

/// Opens a separate connection for every read.
struct ConnectsPerRead(sqlx::postgres::PgConnectOptions);

#[async_trait]
impl StoreLayer for ConnectsPerRead {
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        let opened = sqlx::ConnectOptions::connect(&self.0).await;
        let user = inner.get(id).await;
        drop(opened);
        user
    }
}

/// Refuses a read immediately if no permit is free.
struct RefusesWithoutPermit(Arc<tokio::sync::Semaphore>);

#[async_trait]
impl StoreLayer for RefusesWithoutPermit {
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        let Ok(_permit) = self.0.try_acquire() else {
            return Err(StoreError::Unavailable("no connection is free".into()));
        };
        inner.get(id).await
    }
}

fn connections() -> Vec<Mutant> {
    vec![
        environment_mutant(
            "connections-ignored",
            "USR-20",
            "DATABASE_MAX_CONNECTIONS is ignored: it is always 40",
            |variables| {
                set_variable(variables, "DATABASE_MAX_CONNECTIONS", "40");
            },
        ),
        user_service_mutant(
            "connections-of-their-own",
            "USR-20",
            "every read opens its own database connection",
            |settings, dependencies| {
                wrap_store(dependencies, ConnectsPerRead(settings.database.clone()));
            },
        ),
        store_mutant(
            "connections-do-not-wait",
            "USR-20",
            "a third concurrent read is refused instead of waiting for a connection",
            RefusesWithoutPermit(Arc::new(tokio::sync::Semaphore::new(2))),
        ),
    ]
}
