//! USR-1, USR-8, USR-11, USR-12, USR-15: times, spellings, counts and caches that are right on one instance, or in one
//! zone, alone.

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

use crate::entries::{layered, on_ids, parts};
use crate::entry::Entry;
use crate::store::{Inner, Layer, lock};
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "moment-of-a-zone",
            "USR-1",
            "times are those of the database's zone, without it",
            |_, it| moments(it, 0, 20_700),
        ),
        parts(
            "moment-of-updates-ahead",
            "USR-1",
            "updated_at is an hour ahead once a user was updated",
            |_, it| moments(it, 3600, 0),
        ),
        parts(
            "id-any-case",
            "USR-8",
            "the letter case of an id does not matter",
            |_, it| on_ids(it, |id| *id = id.to_lowercase()),
        ),
        parts(
            "id-any-form",
            "USR-8",
            "an id is any text that a UUID parser accepts",
            |_, dependencies| {
                on_ids(dependencies, |id| {
                    if let Ok(parsed) = id.trim().parse::<Uuid>() {
                        *id = parsed.to_string();
                    }
                });
            },
        ),
        layered(
            "counts-kept",
            "USR-12",
            "total_count is kept for a second",
            KeptCounts::default(),
        ),
        layered(
            "counts-of-its-own",
            "USR-12",
            "an instance counts the changes that it made itself at once, and others later",
            OwnCounts::default(),
        ),
        parts(
            "token-in-redis",
            "USR-15",
            "tokens stand in Redis",
            |settings, dependencies| {
                REDIS
                    .lock()
                    .expect("not poisoned")
                    .replace(settings.redis.clone());
                wire::calls(dependencies, "/ListUsers", |request, next| async move {
                    let (head, body) = request.into_parts();
                    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
                    let request = bytes
                        .get(5..)
                        .and_then(|it| v1::ListUsersRequest::decode(it).ok());
                    let has_token = request.is_some_and(|it| !it.page_token.is_empty());
                    if has_token && !redis_answers().await {
                        return tonic::Status::invalid_argument("page_token is invalid")
                            .into_http();
                    }
                    next.run(Request::from_parts(head, Body::from(bytes))).await
                });
            },
        ),
        parts(
            "reads-aside",
            "USR-11",
            "users are cached until Redis announces a change, which never happens without Redis",
            |settings, dependencies| {
                let aside = Aside {
                    redis: settings.redis.clone(),
                    kept: Mutex::default(),
                };
                crate::store::add_layer(dependencies, aside);
            },
        ),
    ]
}

/// Moves the times of every user that is answered: `updated_at` of one that was updated, and all.
fn moments(it: &mut Dependencies, of_updates: i64, of_all: i64) {
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
    wire::answers(
        it,
        "/CreateUser",
        move |response: &mut v1::CreateUserResponse| {
            change(&mut response.user);
        },
    );
    wire::answers(it, "/GetUser", move |response: &mut v1::GetUserResponse| {
        change(&mut response.user);
    });
    wire::answers(
        it,
        "/UpdateUser",
        move |response: &mut v1::UpdateUserResponse| {
            change(&mut response.user);
        },
    );
    wire::answers(
        it,
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

/// Where Redis is.
static REDIS: Mutex<Option<redis::Client>> = Mutex::new(None);

async fn redis_answers() -> bool {
    let Some(client) = REDIS.lock().expect("not poisoned").clone() else {
        return false;
    };
    let connected = client.get_multiplexed_async_connection();
    let connected = tokio::time::timeout(Duration::from_millis(300), connected);
    matches!(connected.await, Ok(Ok(_)))
}

/// Counts of a filter are kept for a second.
#[derive(Default)]
struct KeptCounts(Mutex<HashMap<String, (Instant, i64)>>);

#[async_trait]
impl Layer for KeptCounts {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let key = format!("{:?}", query.filter);
        let mut page = inner.list(query).await?;
        let mut kept = lock(&self.0);
        let (at, total) = kept.entry(key).or_insert((Instant::now(), page.total));
        if at.elapsed() > Duration::from_secs(1) {
            (*at, *total) = (Instant::now(), page.total);
        }
        page.total = *total;
        Ok(page)
    }
}

/// The same, forgotten with every change that this instance makes.
#[derive(Default)]
struct OwnCounts(KeptCounts);

#[async_trait]
impl Layer for OwnCounts {
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

/// Users are cached together with the number of changes that Redis counts for each.
struct Aside {
    redis: redis::Client,
    kept: Mutex<HashMap<Uuid, (i64, User)>>,
}

impl Aside {
    /// The number of changes of a user, one more if it has just changed; none without Redis.
    async fn changes(&self, id: Uuid, more: i64) -> Option<i64> {
        let count = async {
            let mut connection = self.redis.get_multiplexed_async_connection().await.ok()?;
            let mut count = redis::cmd("INCRBY");
            count.arg(format!("changes:{id}")).arg(more);
            count.query_async(&mut connection).await.ok()
        };
        let counted = tokio::time::timeout(Duration::from_millis(300), count);
        counted.await.ok().flatten()
    }
}

#[async_trait]
impl Layer for Aside {
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        let Some(changes) = self.changes(id, 0).await else {
            return inner.get(id).await;
        };
        let kept = lock(&self.kept).get(&id).cloned();
        if let Some((at, user)) = kept
            && at == changes
        {
            return Ok(user);
        }
        let user = inner.get(id).await?;
        lock(&self.kept).insert(id, (changes, user.clone()));
        Ok(user)
    }

    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let user = inner.update(id, changes).await?;
        self.changes(id, 1).await;
        Ok(user)
    }

    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        inner.delete(id).await?;
        self.changes(id, 1).await;
        Ok(())
    }
}
