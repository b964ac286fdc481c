//! HLT-7: components that recover after a failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use platform::health::{Check, CheckFailed};

use super::{check_within_limit, wrap_checks};
use crate::entries::connection::OneConnection;
use crate::entries::{common_mutant, user_service_mutant};
use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    vec![
        common_mutant(
            "recovery-never",
            "HLT-7",
            "a component that failed once stays unhealthy",
            |parts| {
                wrap_checks(parts, |inner| NeverRecovers {
                    inner,
                    failed: AtomicBool::new(false),
                });
            },
        ),
        user_service_mutant(
            "recovery-one-connection",
            "HLT-7",
            "the database is checked through one connection that is never replaced",
            |settings, dependencies| {
                dependencies.components[0].check = Arc::new(OneConnection::new(settings));
            },
        ),
        common_mutant(
            "recovery-needs-ttl-of-a-minute",
            "HLT-7",
            "a failed check is cached for a minute",
            |parts| {
                wrap_checks(parts, |inner| CachesFailure {
                    inner,
                    failed_at: std::sync::Mutex::default(),
                });
            },
        ),
    ]
}

/// A check that always fails after its first failure.
struct NeverRecovers {
    inner: Arc<dyn Check>,
    failed: AtomicBool,
}

#[async_trait]
impl Check for NeverRecovers {
    async fn check(&self) -> Result<(), CheckFailed> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(CheckFailed("the check failed before"));
        }
        let checked = check_within_limit(self.inner.as_ref()).await;
        self.failed.store(checked.is_err(), Ordering::Relaxed);
        checked
    }
}

#[async_trait]
impl Check for OneConnection {
    async fn check(&self) -> Result<(), CheckFailed> {
        self.probe().await.map_err(CheckFailed)
    }
}

/// A check whose failure is cached for a minute.
struct CachesFailure {
    inner: Arc<dyn Check>,
    failed_at: std::sync::Mutex<Option<std::time::Instant>>,
}

#[async_trait]
impl Check for CachesFailure {
    async fn check(&self) -> Result<(), CheckFailed> {
        let failed_at = self.failed_at.lock().ok().and_then(|it| *it);
        if failed_at.is_some_and(|it| it.elapsed() < Duration::from_mins(1)) {
            return Err(CheckFailed("the check failed within the last minute"));
        }
        let checked = check_within_limit(self.inner.as_ref()).await;
        if let Ok(mut failed_at) = self.failed_at.lock() {
            *failed_at = checked.is_err().then(std::time::Instant::now);
        }
        checked
    }
}
