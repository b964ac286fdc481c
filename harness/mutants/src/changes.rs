//! A change log that reports something other than what happened.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use user_service::dependencies::Dependencies;
use user_service::store::{ChangeCursor, ChangeLog, Changed, StoreError};
use user_service::user::User;

/// What every replaced method gets: the real log.
pub type Inner = Arc<dyn ChangeLog>;

/// A log whose content is altered; a method that is not overridden is the real log's.
#[async_trait]
pub trait AlteredLog: Send + Sync + 'static {
    /// Instead of `now`.
    async fn now(&self, inner: &Inner) -> Result<ChangeCursor, StoreError> {
        inner.now().await
    }

    /// Instead of `since`.
    async fn since(
        &self,
        inner: &Inner,
        cursor: &ChangeCursor,
        limit: u32,
    ) -> Result<Changed, StoreError> {
        let mut changed = inner.since(cursor, limit).await?;
        changed.users = self.alter(changed.users);
        Ok(changed)
    }

    /// What the users of one read become.
    fn alter(&self, users: Vec<User>) -> Vec<User> {
        users
    }
}

/// A log that only changes what one read found.
pub struct AlteredUsers<F>(pub F);

impl<F: Fn(Vec<User>) -> Vec<User> + Send + Sync + 'static> AlteredLog for AlteredUsers<F> {
    fn alter(&self, users: Vec<User>) -> Vec<User> {
        (self.0)(users)
    }
}

struct Layered<T> {
    inner: Inner,
    layer: T,
}

#[async_trait]
impl<T: AlteredLog> ChangeLog for Layered<T> {
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

/// Puts a layer that alters it around the log.
pub fn alter(parts: &mut Dependencies, layer: impl AlteredLog) {
    let inner = parts.changes.clone();
    parts.changes = Arc::new(Layered { inner, layer });
}
