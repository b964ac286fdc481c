//! HLT-7: a component that works again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use platform::health::{Check, Unwell};

use super::{each_check, limited};
use crate::entries::connection::OneConnection;
use crate::entries::{common, parts};
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![
        common(
            "recovery-never",
            "HLT-7",
            "a component that failed once stays unhealthy",
            |parts| {
                each_check(parts, |inner| Once {
                    inner,
                    failed: AtomicBool::new(false),
                });
            },
        ),
        parts(
            "recovery-one-connection",
            "HLT-7",
            "the database is checked on the first connection for ever",
            |settings, dependencies| {
                dependencies.components[0].check = Arc::new(OneConnection::of(settings));
            },
        ),
        common(
            "recovery-needs-ttl-of-a-minute",
            "HLT-7",
            "checks pause for a minute after a failure",
            |parts| {
                each_check(parts, |inner| Slow {
                    inner,
                    failed: std::sync::Mutex::default(),
                });
            },
        ),
    ]
}

/// A check that fails for good once it has failed.
struct Once {
    inner: Arc<dyn Check>,
    failed: AtomicBool,
}

#[async_trait]
impl Check for Once {
    async fn check(&self) -> Result<(), Unwell> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(Unwell("it failed before"));
        }
        let checked = limited(self.inner.as_ref()).await;
        self.failed.store(checked.is_err(), Ordering::Relaxed);
        checked
    }
}

#[async_trait]
impl Check for OneConnection {
    async fn check(&self) -> Result<(), Unwell> {
        self.probe().await.map_err(Unwell)
    }
}

/// A check that answers from memory for a minute after it failed.
struct Slow {
    inner: Arc<dyn Check>,
    failed: std::sync::Mutex<Option<std::time::Instant>>,
}

#[async_trait]
impl Check for Slow {
    async fn check(&self) -> Result<(), Unwell> {
        let recent = self.failed.lock().ok().and_then(|it| *it);
        if recent.is_some_and(|it| it.elapsed() < Duration::from_mins(1)) {
            return Err(Unwell("it failed a moment ago"));
        }
        let checked = limited(self.inner.as_ref()).await;
        if let Ok(mut failed) = self.failed.lock() {
            *failed = checked.is_err().then(std::time::Instant::now);
        }
        checked
    }
}
