//! Polls until a condition holds ([`eventually`]), or checks that it holds over a window ([`holds_for`]).
//!
//! The limit is the contract's; [`Patience`] adds what a slow machine needs. Both functions report the
//! last observation when they fail.

use std::fmt::Display;
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// Pause after the first probe; later pauses grow up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(4);

/// Upper bound of the pause between two probes.
const MAX_PAUSE: Duration = Duration::from_millis(60);

/// Time that is added to every limit of the contract for a busy machine, at patience 1.
const ALLOWANCE: Duration = Duration::from_secs(2);

/// The factor of `--patience`, by which the allowance for a busy machine is multiplied; 1 suits two idle cores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience(f64);

impl Patience {
    /// Above this factor a run proves nothing about the contract's limits, and no verdict is `conformant`.
    pub const MAX_CONFORMANT: f64 = 5.0;

    /// `None` unless the factor is from 1 to 100.
    pub fn new(factor: f64) -> Option<Self> {
        (factor.is_finite() && (1.0..=100.0).contains(&factor)).then_some(Self(factor))
    }

    /// The factor.
    pub fn factor(self) -> f64 {
        self.0
    }

    /// A limit of the contract plus the allowance for a busy machine.
    pub fn stretch(self, limit: Duration) -> Duration {
        limit + ALLOWANCE.mul_f64(self.0)
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self(1.0)
    }
}

/// Polls `probe` until it returns `Ok`, for at most `limit`; fails with a mismatch about `what`.
///
/// An `Err` of the probe describes the observation; the failure contains the last one.
pub async fn eventually<T, E: Display>(
    what: impl Display,
    limit: Duration,
    mut probe: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, Failure> {
    let started = Instant::now();
    let mut last = String::from("nothing: no probe ended in time");
    let mut pause = FIRST_PAUSE;
    loop {
        let left = limit.saturating_sub(started.elapsed());
        match tokio::time::timeout(left, probe()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(seen)) => last = seen.to_string(),
            Err(_) => return Err(not_in_time(&what, limit, &last)),
        }
        if started.elapsed() >= limit {
            return Err(not_in_time(&what, limit, &last));
        }
        elapse(pause).await;
        pause = (pause * 3 / 2).min(MAX_PAUSE);
    }
}

/// Lets time pass that a scenario specifies: a response that takes 3 s, a request held for 4 s.
///
/// To wait for a condition, use [`eventually`]: it reports what it waited for.
#[expect(
    clippy::disallowed_methods,
    reason = "the only place where the harness lets time pass"
)]
pub async fn elapse(time: Duration) {
    tokio::time::sleep(time).await;
}

fn not_in_time(what: &impl Display, limit: Duration, last: &str) -> Failure {
    Failure::mismatch(
        format!("{what} within {}", seconds(limit)),
        format!("last seen: {last}"),
    )
}

/// Polls `probe` over `window`; fails with a mismatch about `what` at the first `Err`.
pub async fn holds_for<E: Display>(
    what: impl Display,
    window: Duration,
    mut probe: impl AsyncFnMut() -> Result<(), E>,
) -> Result<(), Failure> {
    let started = Instant::now();
    loop {
        if let Err(seen) = probe().await {
            return Err(Failure::mismatch(
                format!("{what} for {}", seconds(window)),
                format!("after {}: {seen}", seconds(started.elapsed())),
            ));
        }
        if started.elapsed() >= window {
            return Ok(());
        }
        elapse(MAX_PAUSE.min(window / 4)).await;
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_condition_that_becomes_true_is_waited_for() {
        let mut probes = 0;
        let found = eventually("third probe", Duration::from_secs(1), async || {
            probes += 1;
            if probes == 3 {
                Ok(probes)
            } else {
                Err("not yet")
            }
        })
        .await;
        assert_eq!(found, Ok(3));
    }

    #[tokio::test]
    async fn a_probe_that_hangs_is_cancelled_at_the_limit() {
        let found = eventually("an answer", Duration::from_millis(50), async || {
            std::future::pending::<Result<(), String>>().await
        })
        .await;
        assert!(matches!(found, Err(Failure::Mismatch { .. })));
    }

    #[tokio::test]
    async fn a_condition_that_breaks_within_the_window_is_reported() {
        let mut probes = 0;
        let held = holds_for("calm", Duration::from_secs(5), async || {
            probes += 1;
            if probes < 3 { Ok(()) } else { Err("a storm") }
        })
        .await;
        assert!(matches!(held, Err(Failure::Mismatch { got, .. }) if got.contains("a storm")));
    }
}
