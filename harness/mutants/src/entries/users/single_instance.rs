//! USR-1, USR-8, USR-11, USR-12, USR-15: faults that show only with a second instance, in another time zone, or
//! without Redis.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use prost::Message as _;
use user_proto::v1;
use user_service::dependencies::Dependencies;
use user_service::store::{ListQuery, Page, StoreError};
use user_service::user::{Changes, User};
use uuid::Uuid;

use crate::entries::{change_ids, store_mutant, user_service_mutant};
use crate::mutant::Mutant;
use crate::store::{Inner, StoreLayer, lock};
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    vec![
        user_service_mutant(
            "moment-of-a-zone",
            "USR-1",
            "timestamps are in the database's time zone instead of UTC",
            |_, dependencies| shift_times(dependencies, 0, 20_700),
        ),
        user_service_mutant(
            "moment-of-updates-ahead",
            "USR-1",
            "updated_at is an hour ahead after an update",
            |_, dependencies| shift_times(dependencies, 3600, 0),
        ),
        user_service_mutant(
            "id-any-case",
            "USR-8",
            "ids are matched ignoring letter case",
            |_, dependencies| change_ids(dependencies, |id| *id = id.to_lowercase()),
        ),
        user_service_mutant(
            "id-any-form",
            "USR-8",
            "an id is any text that a UUID parser accepts",
            |_, dependencies| {
                change_ids(dependencies, |id| {
                    if let Ok(parsed) = id.trim().parse::<Uuid>() {
                        *id = parsed.to_string();
                    }
                });
            },
        ),
        store_mutant(
            "counts-kept",
            "USR-12",
            "total_count is cached for a second",
            CachedCounts::default(),
        ),
        store_mutant(
            "counts-of-its-own",
            "USR-12",
            "total_count is cached for a second, unless this instance changes a user",
            CountsCachedUntilOwnChange::default(),
        ),
        user_service_mutant(
            "token-in-redis",
            "USR-15",
            "page tokens are invalid while Redis is unreachable",
            |settings, dependencies| {
                REDIS_CLIENT
                    .lock()
                    .expect("not poisoned")
                    .replace(settings.redis.clone());
                wire::handle_calls(dependencies, "/ListUsers", |request, next| async move {
                    let (head, body) = request.into_parts();
                    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
                    let request = bytes
                        .get(5..)
                        .and_then(|it| v1::ListUsersRequest::decode(it).ok());
                    let has_token = request.is_some_and(|it| !it.page_token.is_empty());
                    if has_token && !is_redis_reachable().await {
                        return tonic::Status::invalid_argument("page_token is invalid")
                            .into_http();
                    }
                    next.run(Request::from_parts(head, Body::from(bytes))).await
                });
            },
        ),
        user_service_mutant(
            "reads-aside",
            "USR-11",
            "cached users are invalidated through Redis, so changes made without Redis are missed",
            |settings, dependencies| {
                let cache = CacheThroughRedis {
                    redis: settings.redis.clone(),
                    users: Mutex::default(),
                };
                crate::store::wrap_store(dependencies, cache);
            },
        ),
    ]
}

/// Shifts timestamps in responses by seconds: `updated_at` of updated users, and all timestamps.
fn shift_times(dependencies: &mut Dependencies, of_updates: i64, of_all: i64) {
    let change = move |user: &mut Option<v1::User>| {
        let Some(user) = user else { return };
        let was_updated = user.updated_at != user.created_at;
        if let (Some(time), true) = (&mut user.updated_at, was_updated) {
            time.seconds += of_updates;
        }
        for time in [&mut user.updated_at, &mut user.created_at]
            .into_iter()
            .flatten()
        {
            time.seconds += of_all;
        }
    };
    wire::change_responses(
        dependencies,
        "/CreateUser",
        move |response: &mut v1::CreateUserResponse| {
            change(&mut response.user);
        },
    );
    wire::change_responses(
        dependencies,
        "/GetUser",
        move |response: &mut v1::GetUserResponse| {
            change(&mut response.user);
        },
    );
    wire::change_responses(
        dependencies,
        "/UpdateUser",
        move |response: &mut v1::UpdateUserResponse| {
            change(&mut response.user);
        },
    );
    wire::change_responses(
        dependencies,
        "/ListUsers",
        move |response: &mut v1::ListUsersResponse| {
            for user in &mut response.users {
                let mut one = Some(std::mem::take(user));
                change(&mut one);
                *user = one.unwrap_or_default();
            }
        },
    );
}

/// The Redis client, for handlers that connect themselves.
static REDIS_CLIENT: Mutex<Option<redis::Client>> = Mutex::new(None);

async fn is_redis_reachable() -> bool {
    let Some(client) = REDIS_CLIENT.lock().expect("not poisoned").clone() else {
        return false;
    };
    let connected = client.get_multiplexed_async_connection();
    let connected = tokio::time::timeout(Duration::from_millis(300), connected);
    matches!(connected.await, Ok(Ok(_)))
}

/// Caches the total count of each filter for a second.
#[derive(Default)]
struct CachedCounts(Mutex<HashMap<String, (Instant, i64)>>);

#[async_trait]
impl StoreLayer for CachedCounts {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let key = format!("{:?}", query.filter);
        let mut page = inner.list(query).await?;
        let mut counts = lock(&self.0);
        let (at, total) = counts.entry(key).or_insert((Instant::now(), page.total));
        if at.elapsed() > Duration::from_secs(1) {
            (*at, *total) = (Instant::now(), page.total);
        }
        page.total = *total;
        Ok(page)
    }
}

/// Caches total counts for a second; a change by this instance clears the cache.
#[derive(Default)]
struct CountsCachedUntilOwnChange(CachedCounts);

#[async_trait]
impl StoreLayer for CountsCachedUntilOwnChange {
    async fn create(
        &self,
        inner: &Inner,
        user: user_service::user::NewUser,
    ) -> Result<User, StoreError> {
        let created = inner.create(user).await;
        lock(&self.0.0).clear();
        created
    }

    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let updated = inner.update(id, changes).await;
        lock(&self.0.0).clear();
        updated
    }

    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        let deleted = inner.delete(id).await;
        lock(&self.0.0).clear();
        deleted
    }

    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        self.0.list(inner, query).await
    }
}

/// Caches users by a change number in Redis; an update increments the number.
struct CacheThroughRedis {
    redis: redis::Client,
    users: Mutex<HashMap<Uuid, (i64, User)>>,
}

impl CacheThroughRedis {
    /// Adds to the change number of a user and returns it; `None` without Redis.
    async fn add_changes(&self, id: Uuid, number: i64) -> Option<i64> {
        let count = async {
            let mut connection = self.redis.get_multiplexed_async_connection().await.ok()?;
            let mut count = redis::cmd("INCRBY");
            count.arg(format!("changes:{id}")).arg(number);
            count.query_async(&mut connection).await.ok()
        };
        let counted = tokio::time::timeout(Duration::from_millis(300), count);
        counted.await.ok().flatten()
    }
}

#[async_trait]
impl StoreLayer for CacheThroughRedis {
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        let Some(changes) = self.add_changes(id, 0).await else {
            return inner.get(id).await;
        };
        let cached = lock(&self.users).get(&id).cloned();
        if let Some((at, user)) = cached
            && at == changes
        {
            return Ok(user);
        }
        let user = inner.get(id).await?;
        lock(&self.users).insert(id, (changes, user.clone()));
        Ok(user)
    }

    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let user = inner.update(id, changes).await?;
        self.add_changes(id, 1).await;
        Ok(user)
    }

    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        inner.delete(id).await?;
        self.add_changes(id, 1).await;
        Ok(())
    }
}
