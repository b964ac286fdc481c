//! USR-18, USR-20: pools of connections, and programs that die of what they cannot reach.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use sqlx::ConnectOptions as _;
use tokio::sync::Semaphore;
use user_service::store::{ListQuery, Page, StoreError};
use user_service::user::{Changes, NewUser, User};
use uuid::Uuid;

use super::{layered, parts};
use crate::entry::Entry;
use crate::store::{Inner, Layer};
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        layered(
            "database-away-ends-it",
            "USR-18",
            "it ends when the database is away",
            Dies,
        ),
        parts(
            "connections-of-streams",
            "USR-20",
            "every stream has a connection of its own",
            |settings, dependencies| {
                DATABASE
                    .lock()
                    .expect("not poisoned")
                    .replace(settings.database.clone());
                wire::calls(dependencies, "/StreamUsers", |request, next| async move {
                    let options = DATABASE.lock().expect("not poisoned").clone();
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
        parts(
            "connections-lost-when-given-up",
            "USR-20",
            "a call that is given up never gives its place back",
            |settings, dependencies| {
                let places = settings.database_max_connections as usize;
                crate::store::add_layer(dependencies, Leaks(Arc::new(Semaphore::new(places))));
            },
        ),
    ]
}

/// Where the database is.
static DATABASE: std::sync::Mutex<Option<sqlx::postgres::PgConnectOptions>> =
    std::sync::Mutex::new(None);

/// It ends as soon as a call finds no database.
struct Dies;

fn or_die<T>(result: Result<T, StoreError>) -> Result<T, StoreError> {
    if let Err(StoreError::Unavailable(_)) = &result {
        std::process::exit(3);
    }
    result
}

#[async_trait]
impl Layer for Dies {
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        or_die(inner.create(user).await)
    }

    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        or_die(inner.get(id).await)
    }

    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        or_die(inner.list(query).await)
    }
}

/// A place is given back only by a call that comes to its end.
struct Leaks(Arc<Semaphore>);

impl Leaks {
    async fn within<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let place = tokio::time::timeout(Duration::from_secs(5), self.0.acquire()).await;
        let Ok(Ok(place)) = place else {
            return Err(StoreError::Unavailable("no place is free".into()));
        };
        place.forget();
        let done = call.await;
        self.0.add_permits(1);
        done
    }
}

#[async_trait]
impl Layer for Leaks {
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        self.within(inner.get(id)).await
    }

    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        self.within(inner.update(id, changes)).await
    }
}
