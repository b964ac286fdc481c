//! Overrides methods of the change log that streams read.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use user_service::dependencies::Dependencies;
use user_service::store::{ChangeCursor, ChangeLog, Changed, StoreError};
use user_service::user::User;

/// The real change log, which every overridden method receives.
pub type Inner = Arc<dyn ChangeLog>;

/// Overrides methods of a change log; the default methods call the real log.
#[async_trait]
pub trait ChangeLogLayer: Send + Sync + 'static {
    /// Replaces `ChangeLog::now`.
    async fn now(&self, inner: &Inner) -> Result<ChangeCursor, StoreError> {
        inner.now().await
    }

    /// Replaces `ChangeLog::since`.
    async fn since(
        &self,
        inner: &Inner,
        cursor: &ChangeCursor,
        limit: u32,
    ) -> Result<Changed, StoreError> {
        let mut changed = inner.since(cursor, limit).await?;
        changed.users = self.change_users(changed.users);
        Ok(changed)
    }

    /// Changes the users that one read returned.
    fn change_users(&self, users: Vec<User>) -> Vec<User> {
        users
    }
}

/// A layer that only changes the users that a read returns, with this function.
pub struct ChangeUsers<F>(pub F);

impl<F: Fn(Vec<User>) -> Vec<User> + Send + Sync + 'static> ChangeLogLayer for ChangeUsers<F> {
    fn change_users(&self, users: Vec<User>) -> Vec<User> {
        (self.0)(users)
    }
}

struct LayeredChangeLog<T> {
    inner: Inner,
    layer: T,
}

#[async_trait]
impl<T: ChangeLogLayer> ChangeLog for LayeredChangeLog<T> {
    async fn now(&self) -> Result<ChangeCursor, StoreError> {
        self.layer.now(&self.inner).await
    }

    async fn since(&self, cursor: &ChangeCursor, limit: u32) -> Result<Changed, StoreError> {
        self.layer.since(&self.inner, cursor, limit).await
    }

    async fn prune(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        self.inner.prune(age, limit).await
    }
}

/// Wraps the change log in a layer.
pub fn wrap_change_log(dependencies: &mut Dependencies, layer: impl ChangeLogLayer) {
    let inner = dependencies.changes.clone();
    dependencies.changes = Arc::new(LayeredChangeLog { inner, layer });
}
