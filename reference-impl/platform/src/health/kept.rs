//! A connection of a health check's own, kept from one check to the next.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::{Check, CheckFailed};

/// How to connect to a resource and probe it.
#[async_trait]
pub trait Connector: Send + Sync {
    /// A connection; dropped, it is closed.
    type Connection: Send;

    /// Opens a connection.
    async fn connect(&self) -> Result<Self::Connection, CheckFailed>;

    /// Checks on this connection whether the resource works.
    async fn probe(&self, connection: &mut Self::Connection) -> Result<(), CheckFailed>;
}

/// A check that keeps its connection, so that a busy pool does not make it fail and a quiet
/// resource is not connected to anew each time.
pub struct Kept<C: Connector> {
    connector: C,
    /// The connection of the last check that went well.
    connection: Mutex<Option<C::Connection>>,
    /// How long the kept connection may take: after an outage it may never answer again, and the
    /// same check must still find out whether a new one works (HLT-7).
    patience: Duration,
}

impl<C: Connector> Kept<C> {
    /// A check by `connector` that is given `check_timeout` in all.
    pub fn new(connector: C, check_timeout: Duration) -> Self {
        Self {
            connector,
            connection: Mutex::new(None),
            patience: check_timeout / 2,
        }
    }
}

#[async_trait]
impl<C: Connector> Check for Kept<C> {
    async fn check(&self) -> Result<(), CheckFailed> {
        let mut slot = self.connection.lock().await;
        // Taken out: a connection that fails, or whose check is dropped, is closed.
        if let Some(mut kept) = slot.take()
            && let Ok(Ok(())) =
                tokio::time::timeout(self.patience, self.connector.probe(&mut kept)).await
        {
            *slot = Some(kept);
            return Ok(());
        }
        let mut fresh = self.connector.connect().await?;
        self.connector.probe(&mut fresh).await?;
        *slot = Some(fresh);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Connections are numbered; those up to `silent` never answer.
    #[derive(Default)]
    struct Numbered {
        opened: AtomicU32,
        silent: AtomicU32,
    }

    #[async_trait]
    impl Connector for Numbered {
        type Connection = u32;

        async fn connect(&self) -> Result<u32, CheckFailed> {
            Ok(self.opened.fetch_add(1, Ordering::Relaxed) + 1)
        }

        async fn probe(&self, connection: &mut u32) -> Result<(), CheckFailed> {
            if *connection <= self.silent.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_fell_silent_is_replaced_within_one_check() {
        let timeout = Duration::from_secs(1);
        let kept = Kept::new(Numbered::default(), timeout);
        for _ in 0..2 {
            assert_eq!(
                tokio::time::timeout(timeout, kept.check()).await,
                Ok(Ok(()))
            );
        }
        assert_eq!(kept.connector.opened.load(Ordering::Relaxed), 1);
        kept.connector.silent.store(1, Ordering::Relaxed);
        assert_eq!(
            tokio::time::timeout(timeout, kept.check()).await,
            Ok(Ok(()))
        );
        assert_eq!(kept.connector.opened.load(Ordering::Relaxed), 2);
    }
}
