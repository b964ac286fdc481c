//! Instants that durations from the environment cannot overflow.

use std::time::Duration;

use tokio::time::Instant;

/// `duration` after `start`; a duration beyond the clock's range counts as a year.
pub fn after(start: Instant, duration: Duration) -> Instant {
    start
        .checked_add(duration)
        .unwrap_or_else(|| start + Duration::from_hours(24 * 365))
}
