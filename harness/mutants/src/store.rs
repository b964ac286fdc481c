//! Overrides methods of the user service's store.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use user_service::dependencies::Dependencies;
use user_service::filter::Filter;
use user_service::order::{Field, Order};
use user_service::store::{ListQuery, Page, Store, StoreError};
use user_service::user::{Changes, NewUser, User};
use uuid::Uuid;

/// The real store, which every overridden method receives.
pub type Inner = Arc<dyn Store>;

/// Overrides methods of a store; the default methods call the real store.
#[async_trait]
pub trait StoreLayer: Send + Sync + 'static {
    /// Replaces `Store::create`.
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        inner.create(user).await
    }

    /// Replaces `Store::get`.
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        inner.get(id).await
    }

    /// Replaces `Store::update`.
    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        inner.update(id, changes).await
    }

    /// Replaces `Store::delete`.
    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        inner.delete(id).await
    }

    /// Replaces `Store::list`.
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        inner.list(query).await
    }
}

struct LayeredStore<T> {
    inner: Inner,
    layer: T,
}

#[async_trait]
impl<T: StoreLayer> Store for LayeredStore<T> {
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

/// Wraps the store in a layer.
pub fn wrap_store(dependencies: &mut Dependencies, layer: impl StoreLayer) {
    let inner = dependencies.store.clone();
    dependencies.store = Arc::new(LayeredStore { inner, layer });
}

/// Orders users by creation time, oldest first.
pub const OLDEST_FIRST: Order = Order {
    field: Field::CreatedAt,
    descending: false,
};

/// Orders users by creation time, newest first.
pub const NEWEST_FIRST: Order = Order {
    field: Field::CreatedAt,
    descending: true,
};

/// Returns the first users that match a filter, at most `size`.
pub async fn first_users(
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

/// Locks state that is kept between calls.
pub fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().expect("no holder of the lock panics")
}
