//! Whether the program is ready, for probes that read it and tasks that wait for it.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Report;

/// A view of the program's readiness. Clones see the same.
#[derive(Clone)]
pub struct Readiness {
    /// The last round of checks.
    reports: watch::Receiver<Option<Arc<Report>>>,
    /// Cancelled when the program has to stop: from then on it is not ready (CFG-8).
    stopping: CancellationToken,
}

impl Readiness {
    /// The readiness that follows from `reports` and `stopping`.
    pub fn new(reports: watch::Receiver<Option<Arc<Report>>>, stopping: CancellationToken) -> Self {
        Self { reports, stopping }
    }

    /// Whether the program is ready now. Before the first round of checks it is not.
    pub fn is_ready(&self) -> bool {
        let is_well = |report: &Arc<Report>| report.status.is_ready();
        !self.is_stopping() && self.reports.borrow().as_ref().is_some_and(is_well)
    }

    /// Whether the program is stopping.
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// The last round of checks; waits for the first. None once the checks have ended without one.
    pub async fn report(&mut self) -> Option<Arc<Report>> {
        self.reports.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// Waits for the next round of checks, or for the stop.
    pub async fn changed(&mut self) {
        tokio::select! {
            () = self.stopping.cancelled() => {}
            changed = self.reports.changed() => if changed.is_err() {
                // The checks have ended: only the stop can still come.
                self.stopping.cancelled().await;
            }
        }
    }
}
