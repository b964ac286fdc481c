//! The background task that keeps the one answer that all probes share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use futures::future::join_all;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{CheckFailed, Component, ComponentReport, HealthSettings, Report, Status};

/// The shortest pause between two rounds of checks, even with a shorter `HEALTH_CACHE_TTL`.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// What a round of checks needs.
#[derive(Clone)]
pub struct Monitor {
    /// What is checked.
    pub components: Vec<Component>,
    /// How often and how patiently.
    pub settings: HealthSettings,
    /// `SERVICE_VERSION`, for the answers.
    pub version: String,
}

/// Checks every component once, all at the same time (HLT-4).
pub async fn check_all(monitor: &Monitor) -> Report {
    let checks = monitor
        .components
        .iter()
        .map(|component| monitor.check(component));
    let components = join_all(checks).await;
    Report {
        status: Status::overall(&components),
        components,
        version: monitor.version.clone(),
        timestamp: Utc::now(),
    }
}

impl Monitor {
    /// Checks in the background until `ended`. The receiver holds the last answer; none before
    /// the first round. As only one task checks, and it rests for a TTL after each round, no
    /// number of callers makes it check more often, and no answer gets older than the TTL and
    /// one check (HLT-5).
    pub fn start(self, ended: CancellationToken) -> watch::Receiver<Option<Arc<Report>>> {
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(async move {
            ended.run_until_cancelled(self.keep_checking(sender)).await;
        });
        receiver
    }

    async fn keep_checking(self, answer: watch::Sender<Option<Arc<Report>>>) {
        loop {
            let report = Arc::new(check_all(&self).await);
            let before = answer.send_replace(Some(Arc::clone(&report)));
            log_changes(before.as_deref(), &report);
            tokio::time::sleep(self.settings.cache_ttl.max(SHORTEST_PAUSE)).await;
        }
    }

    async fn check(&self, component: &Component) -> ComponentReport {
        let begin = Instant::now();
        let error = tokio::time::timeout(self.settings.check_timeout, component.check.check())
            .await
            .unwrap_or(Err(CheckFailed("timed out")))
            .err()
            .map(|error| error.to_string());
        ComponentReport::new(component.name, component.optional, begin.elapsed(), error)
    }
}

/// Logs each component whose status changed, and every component of the first report.
fn log_changes(before: Option<&Report>, after: &Report) {
    for component in &after.components {
        let name = component.name;
        if before.and_then(|report| report.status_of(name)) == Some(component.status) {
            continue;
        }
        let status = component.status.name();
        match &component.error {
            None => tracing::info!(component = name, status, "component changed"),
            Some(error) => tracing::warn!(component = name, status, error, "component changed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;

    use super::super::Check;
    use super::*;

    /// Counts its checks, and takes its time for each.
    struct Slow(Arc<AtomicU32>, Duration);

    #[async_trait]
    impl Check for Slow {
        async fn check(&self) -> Result<(), CheckFailed> {
            self.0.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(self.1).await;
            Ok(())
        }
    }

    fn monitor(duration: Duration) -> (Monitor, Arc<AtomicU32>) {
        let count = Arc::new(AtomicU32::new(0));
        let component = |name| Component {
            name,
            optional: false,
            check: Arc::new(Slow(Arc::clone(&count), duration)),
        };
        let monitor = Monitor {
            components: vec![component("one"), component("two")],
            settings: HealthSettings {
                cache_ttl: Duration::from_secs(5),
                check_timeout: Duration::from_secs(2),
                optional: BTreeSet::new(),
            },
            version: "1".to_owned(),
        };
        (monitor, count)
    }

    #[tokio::test(start_paused = true)]
    async fn hanging_checks_take_one_time_out_together() {
        let begin = tokio::time::Instant::now();
        let report = check_all(&monitor(Duration::from_mins(1)).0).await;
        assert_eq!(begin.elapsed().as_secs(), 2);
        assert_eq!(report.status, Status::Unhealthy);
        assert_eq!(report.components[0].error.as_deref(), Some("timed out"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_component_is_checked_once_a_ttl() {
        let (monitor, count) = monitor(Duration::from_millis(1));
        let ended = CancellationToken::new();
        let _answers = monitor.start(ended.clone());
        tokio::time::sleep(Duration::from_millis(14_900)).await;
        assert_eq!(count.load(Ordering::Relaxed), 3 * 2);
        ended.cancel();
    }
}
