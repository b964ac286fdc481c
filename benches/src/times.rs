//! Durations of one workload, and their percentiles.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// The longest duration that is recorded exactly, in nanoseconds; longer ones count as this.
const MAX_NANOSECONDS: u64 = 60_000_000_000;

/// The duration of each repetition.
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        Self(Histogram::new_with_max(MAX_NANOSECONDS, 3).expect("the bounds are sound"))
    }
}

impl Times {
    /// Records one duration.
    pub fn record(&mut self, time: Duration) {
        self.0
            .saturating_record(u64::try_from(time.as_nanos()).unwrap_or(MAX_NANOSECONDS));
    }

    /// Runs the workload once, and records how long it took.
    pub async fn of(&mut self, workload: impl Future<Output = anyhow::Result<()>>) -> Duration {
        let begun = Instant::now();
        workload.await.expect("the measured call succeeds");
        let time = begun.elapsed();
        self.record(time);
        time
    }

    /// Whether there is none: Criterion's filter left this bench out.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The duration that this part of the repetitions did not exceed.
    pub fn quantile(&self, part: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(part))
    }
}
