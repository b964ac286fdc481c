//! Durations of one thing, and their percentiles.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// The longest duration that is told from longer ones, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;

/// How long one thing took, each time that it was done.
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        Self(Histogram::new_with_max(LONGEST, 3).expect("the bounds are sound"))
    }
}

impl Times {
    /// Adds one.
    pub fn record(&mut self, time: Duration) {
        self.0
            .saturating_record(u64::try_from(time.as_nanos()).unwrap_or(LONGEST));
    }

    /// Does it, and adds how long it took.
    pub async fn of(&mut self, act: impl Future<Output = anyhow::Result<()>>) -> Duration {
        let begun = Instant::now();
        act.await.expect("what is measured works");
        let time = begun.elapsed();
        self.record(time);
        time
    }

    /// Whether there is none: Criterion's filter left this bench out.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The time within which this part of all were done.
    pub fn quantile(&self, part: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(part))
    }
}
