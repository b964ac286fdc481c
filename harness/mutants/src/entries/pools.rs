//! USR-18, USR-20: connection pools, and programs that exit without a database.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use sqlx::ConnectOptions as _;
use tokio::sync::Semaphore;
use user_service::store::{ListQuery, Page, StoreError};
use user_service::user::{Changes, NewUser, User};
use uuid::Uuid;

use super::{store_mutant, user_service_mutant};
use crate::mutant::Mutant;
use crate::store::{Inner, StoreLayer};
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    vec![
        store_mutant(
            "database-away-ends-it",
            "USR-18",
            "the program exits if the database is unreachable",
            ExitsWithoutDatabase,
        ),
        user_service_mutant(
            "connections-of-streams",
            "USR-20",
            "every stream holds its own database connection",
            |settings, dependencies| {
                DATABASE_OPTIONS
                    .lock()
                    .expect("not poisoned")
                    .replace(settings.database.clone());
                wire::handle_calls(dependencies, "/StreamUsers", |request, next| async move {
                    let options = DATABASE_OPTIONS.lock().expect("not poisoned").clone();
                    let connection = match options {
                        Some(options) => options.connect().await.ok(),
                        None => None,
                    };
                    let (head, body) = next.run(request).await.into_parts();
                    let frames = http_body_util::BodyStream::new(body).map(move |frame| {
                        let _held = &connection;
                        frame
                    });
                    let body = axum::body::Body::new(http_body_util::StreamBody::new(frames));
                    axum::response::Response::from_parts(head, body)
                });
            },
        ),
        user_service_mutant(
            "connections-lost-when-given-up",
            "USR-20",
            "an abandoned call never releases its pool permit",
            |settings, dependencies| {
                let connections = settings.database_max_connections as usize;
                crate::store::wrap_store(
                    dependencies,
                    LeaksPermits(Arc::new(Semaphore::new(connections))),
                );
            },
        ),
    ]
}

/// Connection options of the database, for handlers that connect themselves.
static DATABASE_OPTIONS: std::sync::Mutex<Option<sqlx::postgres::PgConnectOptions>> =
    std::sync::Mutex::new(None);

/// Exits the process when a store method cannot reach the database.
struct ExitsWithoutDatabase;

/// Exits the process if a result is that the database is unreachable.
fn or_exit<T>(result: Result<T, StoreError>) -> Result<T, StoreError> {
    if let Err(StoreError::Unavailable(_)) = &result {
        std::process::exit(3);
    }
    result
}

#[async_trait]
impl StoreLayer for ExitsWithoutDatabase {
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        or_exit(inner.create(user).await)
    }

    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        or_exit(inner.get(id).await)
    }

    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        or_exit(inner.list(query).await)
    }
}

/// Takes a permit for each call; only a call that completes releases its permit.
struct LeaksPermits(Arc<Semaphore>);

impl LeaksPermits {
    async fn with_permit<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let permit = tokio::time::timeout(Duration::from_secs(5), self.0.acquire()).await;
        let Ok(Ok(permit)) = permit else {
            return Err(StoreError::Unavailable("no permit is free".into()));
        };
        permit.forget();
        let result = call.await;
        self.0.add_permits(1);
        result
    }
}

#[async_trait]
impl StoreLayer for LeaksPermits {
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        self.with_permit(inner.get(id)).await
    }

    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        self.with_permit(inner.update(id, changes)).await
    }
}
