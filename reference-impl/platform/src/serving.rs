//! The servers of a program, and how they drain.

use std::io;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio_util::task::TaskTracker;

use crate::shutdown::Shutdown;

/// How long the last answers may take to leave, once their requests are done.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// A server that should go on serving does not.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its port fails, or it ended by itself.
    #[error("server failed: {0}")]
    Failed(#[from] io::Error),
    /// One of them panicked.
    #[error("server ended: {0}")]
    Ended(#[from] JoinError),
}

/// The running servers of a program. Dropping this aborts them; `drain` stops them gracefully.
#[derive(Default)]
pub struct Running {
    /// The tokens that stop it.
    pub shutdown: Shutdown,
    /// The requests in flight.
    pub in_flight: TaskTracker,
    /// Servers that end by themselves after the stop, once their last request is done.
    pub until_stopping: JoinSet<io::Result<()>>,
    /// Servers that outlive the requests in flight: with them go the probes and the metrics.
    pub until_ended: JoinSet<io::Result<()>>,
}

impl Running {
    /// Waits for a server that ends before the stop.
    pub async fn failed(&mut self) -> ServeError {
        let ended = tokio::select! {
            Some(result) = self.until_stopping.join_next() => result,
            Some(result) = self.until_ended.join_next() => result,
            else => Ok(Ok(())),
        };
        match ended {
            Ok(Ok(())) => ServeError::Failed(io::Error::other("a server ended by itself")),
            Ok(Err(error)) => error.into(),
            Err(error) => error.into(),
        }
    }

    /// Stops (CFG-8): not ready, no new work; then waits until what is in flight is done, at
    /// most `limit`; then ends the rest.
    pub async fn drain(mut self, limit: Duration) {
        self.shutdown.stopping.cancel();
        self.in_flight.close();
        let has_own_end = !self.until_stopping.is_empty();
        // A connection without requests may stay open for as long as its client likes: it is not waited for.
        let all_done = async {
            self.in_flight.wait().await;
            tokio::time::sleep(LAST_ANSWERS).await;
        };
        let drained = async {
            tokio::select! {
                () = all(&mut self.until_stopping), if has_own_end => {}
                () = all_done => {}
            }
        };
        if tokio::time::timeout(limit, drained).await.is_err() {
            tracing::warn!("requests that are still running are abandoned");
        }
        self.until_stopping.abort_all();
        self.shutdown.ended.cancel();
        all(&mut self.until_ended).await;
    }
}

/// Waits until all servers have ended.
async fn all(servers: &mut JoinSet<io::Result<()>>) {
    while servers.join_next().await.is_some() {}
}
