//! A store with some of its methods replaced.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use user_service::dependencies::Dependencies;
use user_service::filter::Filter;
use user_service::order::{Field, Order};
use user_service::store::{ListQuery, Page, Store, StoreError};
use user_service::user::{Changes, NewUser, User};
use uuid::Uuid;

/// What every replaced method gets: the real store.
pub type Inner = Arc<dyn Store>;

/// A store that does some things otherwise; each method is the real store's unless it is overridden.
#[async_trait]
pub trait Layer: Send + Sync + 'static {
    /// Instead of `create`.
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        inner.create(user).await
    }

    /// Instead of `get`.
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        inner.get(id).await
    }

    /// Instead of `update`.
    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        inner.update(id, changes).await
    }

    /// Instead of `delete`.
    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        inner.delete(id).await
    }

    /// Instead of `list`.
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        inner.list(query).await
    }
}

struct Layered<T> {
    inner: Inner,
    layer: T,
}

#[async_trait]
impl<T: Layer> Store for Layered<T> {
    async fn create(&self, user: NewUser) -> Result<User, StoreError> {
        self.layer.create(&self.inner, user).await
    }

    async fn get(&self, id: Uuid) -> Result<User, StoreError> {
        self.layer.get(&self.inner, id).await
    }

    async fn update(&self, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        self.layer.update(&self.inner, id, changes).await
    }

    async fn delete(&self, id: Uuid) -> Result<(), StoreError> {
        self.layer.delete(&self.inner, id).await
    }

    async fn list(&self, query: ListQuery) -> Result<Page, StoreError> {
        self.layer.list(&self.inner, query).await
    }
}

/// Puts the layer around the store.
pub fn add_layer(parts: &mut Dependencies, layer: impl Layer) {
    let inner = parts.store.clone();
    parts.store = Arc::new(Layered { inner, layer });
}

/// By the moment of creation, oldest first.
pub const OLDEST_FIRST: Order = Order {
    field: Field::CreatedAt,
    descending: false,
};

/// By the moment of creation, newest first.
pub const NEWEST_FIRST: Order = Order {
    field: Field::CreatedAt,
    descending: true,
};

/// The first users that a filter finds, `size` at most.
pub async fn first(
    inner: &Inner,
    filter: Filter,
    order: Order,
    size: u32,
) -> Result<Vec<User>, StoreError> {
    let query = ListQuery {
        filter,
        order,
        after: None,
        size,
    };
    Ok(inner.list(query).await?.users)
}

/// What is remembered from call to call.
pub fn lock<T>(memory: &Mutex<T>) -> MutexGuard<'_, T> {
    memory.lock().expect("nothing panics while it holds this")
}
