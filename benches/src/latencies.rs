//! Latencies of one operation, and their quantiles.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// The longest latency that is recorded exactly, in nanoseconds; longer ones count as this.
const MAX_NANOSECONDS: u64 = 60_000_000_000;

/// The latencies of one operation.
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new_with_max(MAX_NANOSECONDS, 3).expect("the bounds are valid"))
    }
}

impl Latencies {
    /// Adds a latency.
    pub fn record(&mut self, time: Duration) {
        self.0
            .saturating_record(u64::try_from(time.as_nanos()).unwrap_or(MAX_NANOSECONDS));
    }

    /// Runs an operation, adds its latency and returns it.
    pub async fn measure(
        &mut self,
        operation: impl Future<Output = anyhow::Result<()>>,
    ) -> Duration {
        let started = Instant::now();
        operation.await.expect("a measured operation succeeds");
        let time = started.elapsed();
        self.record(time);
        time
    }

    /// Whether nothing was measured because Criterion's filter excluded the bench.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The latency that this share of all operations did not exceed.
    pub fn quantile(&self, share: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(share))
    }
}
