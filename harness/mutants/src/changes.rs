//! A change log that tells something else than what happened.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use user_service::dependencies::Dependencies;
use user_service::store::{ChangeCursor, ChangeLog, Changed, StoreError};
use user_service::user::User;

/// What every replaced method gets: the real log.
pub type Inner = Arc<dyn ChangeLog>;

/// A log that tells some things otherwise; each method is the real log's unless it is overridden.
#[async_trait]
pub trait Retelling: Send + Sync + 'static {
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
        changed.users = self.retell(changed.users);
        Ok(changed)
    }

    /// What the users of one read become.
    fn retell(&self, users: Vec<User>) -> Vec<User> {
        users
    }
}

/// A retelling that only changes what one read found.
pub struct Retold<F>(pub F);

impl<F: Fn(Vec<User>) -> Vec<User> + Send + Sync + 'static> Retelling for Retold<F> {
    fn retell(&self, users: Vec<User>) -> Vec<User> {
        (self.0)(users)
    }
}

struct Twisted<T> {
    inner: Inner,
    retelling: T,
}

#[async_trait]
impl<T: Retelling> ChangeLog for Twisted<T> {
    async fn now(&self) -> Result<ChangeCursor, StoreError> {
        self.retelling.now(&self.inner).await
    }

    async fn since(&self, cursor: &ChangeCursor, limit: u32) -> Result<Changed, StoreError> {
        self.retelling.since(&self.inner, cursor, limit).await
    }

    async fn prune(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        self.inner.prune(age, limit).await
    }
}

/// Puts the retelling around the log.
pub fn retell(parts: &mut Dependencies, retelling: impl Retelling) {
    let inner = parts.changes.clone();
    parts.changes = Arc::new(Twisted { inner, retelling });
}
