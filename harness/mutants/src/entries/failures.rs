//! A database or a Redis that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use user_service::store::{ListQuery, Page, StoreError};
use user_service::user::{Changes, NewUser, User};
use uuid::Uuid;

use super::connection::OneConnection;
use super::{environment, layered, output, parts, set};
use crate::entry::Entry;
use crate::store::{Inner, Layer, add_layer};

pub fn entries() -> Vec<Entry> {
    let mut all = database();
    all.extend(redis());
    all.extend(connections());
    all
}

/// Fails forever after the first failure of the database.
#[derive(Default)]
struct Broken(AtomicBool);

impl Broken {
    fn remember<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if self.0.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("it was unreachable before".into()));
        }
        if let Err(StoreError::Unavailable(_)) = &result {
            self.0.store(true, Ordering::Relaxed);
        }
        result
    }
}

#[async_trait]
impl Layer for Broken {
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        self.remember(inner.create(user).await)
    }

    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        self.remember(inner.get(id).await)
    }

    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        self.remember(inner.update(id, changes).await)
    }

    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        self.remember(inner.list(query).await)
    }
}

/// Refuses everything for good once the database refused something.
#[derive(Default)]
struct Poisoned(AtomicBool);

#[async_trait]
impl Layer for Poisoned {
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

fn database() -> Vec<Entry> {
    vec![
        output(
            "database-words-lost",
            "USR-18",
            "the database's words are not logged",
            |line| (!line.contains("ERROR")).then_some(line),
        ),
        parts(
            "database-patient",
            "USR-18",
            "a call waits 4 s longer than it may",
            |_, dependencies| {
                crate::wire::slow_failures(dependencies, Duration::from_secs(4));
            },
        ),
        layered(
            "database-gone-for-good",
            "USR-18",
            "after one outage the database is unavailable forever",
            Broken::default(),
        ),
        parts(
            "database-one-connection",
            "USR-18",
            "users are read on the first connection for ever",
            |settings, dependencies| {
                add_layer(dependencies, OneConnection::of(settings));
            },
        ),
        layered(
            "database-poisoned",
            "USR-18",
            "after one refused create all are refused",
            Poisoned::default(),
        ),
    ]
}

#[async_trait]
impl Layer for OneConnection {
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        let unavailable = |_| StoreError::Unavailable("the connection is gone".into());
        self.probe().await.map_err(unavailable)?;
        inner.get(id).await
    }
}

/// Pings Redis in every call, and fails when it does not answer within `patience`.
struct NeedsRedis {
    client: Option<::redis::Client>,
    patience: Duration,
}

impl NeedsRedis {
    fn of_environment(patience: Duration) -> Self {
        let url = std::env::var("REDIS_URL").unwrap_or_default();
        Self {
            client: ::redis::Client::open(url).ok(),
            patience,
        }
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let unavailable = || StoreError::Unavailable("Redis is unreachable".into());
        let client = self.client.as_ref().ok_or_else(unavailable)?;
        let ping = async {
            let mut connection = client.get_multiplexed_async_connection().await.ok()?;
            ::redis::cmd("PING").exec_async(&mut connection).await.ok()
        };
        match tokio::time::timeout(self.patience, ping).await {
            Ok(Some(())) => Ok(()),
            _ => Err(unavailable()),
        }
    }
}

#[async_trait]
impl Layer for NeedsRedis {
    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let user = inner.update(id, changes).await?;
        self.ping().await?;
        Ok(user)
    }
}

fn redis() -> Vec<Entry> {
    vec![
        parts(
            "redis-needed",
            "USR-19",
            "an update fails when Redis does not answer",
            |_, it| add_layer(it, NeedsRedis::of_environment(Duration::from_millis(500))),
        ),
        parts(
            "redis-late",
            "USR-19",
            "an update waits for Redis, however long",
            |_, it| add_layer(it, NeedsRedis::of_environment(Duration::from_secs(20))),
        ),
    ]
}

/// Opens a connection of its own for every read.
struct Extravagant(sqlx::postgres::PgConnectOptions);

#[async_trait]
impl Layer for Extravagant {
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        let opened = sqlx::ConnectOptions::connect(&self.0).await;
        let user = inner.get(id).await;
        drop(opened);
        user
    }
}

/// Refuses when more than a few calls run.
struct Impatient(Arc<tokio::sync::Semaphore>);

#[async_trait]
impl Layer for Impatient {
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        let Ok(_turn) = self.0.try_acquire() else {
            return Err(StoreError::Unavailable("no connection is free".into()));
        };
        inner.get(id).await
    }
}

fn connections() -> Vec<Entry> {
    vec![
        environment(
            "connections-ignored",
            "USR-20",
            "DATABASE_MAX_CONNECTIONS is ignored: always 40",
            |variables| {
                set(variables, "DATABASE_MAX_CONNECTIONS", "40");
            },
        ),
        parts(
            "connections-of-their-own",
            "USR-20",
            "every read has a connection of its own",
            |settings, it| add_layer(it, Extravagant(settings.database.clone())),
        ),
        layered(
            "connections-do-not-wait",
            "USR-20",
            "calls beyond do not wait their turn",
            Impatient(Arc::new(tokio::sync::Semaphore::new(2))),
        ),
    ]
}
