//! Waiting for a condition with a deadline, or proving that one holds over a window.
//!
//! The limit is the contract's; what a slow machine needs on top is the [`Patience`], set in one
//! place. Both functions keep what they saw last, for the message.

use std::fmt::Display;
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// Between the first two looks at a condition; later pauses are longer.
const FIRST_PAUSE: Duration = Duration::from_millis(4);

/// The longest pause between two polls: a late result needs no frequent polling.
const LONGEST_PAUSE: Duration = Duration::from_millis(60);

/// What a busy machine gets on top of a limit of the contract, the same in all scenarios.
const ALLOWANCE: Duration = Duration::from_secs(2);

/// The factor of `--patience`: how much slower than two idle cores this machine may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience(f64);

impl Patience {
    /// Above this a run proves nothing about the contract's limits, and no verdict is `conformant`.
    pub const MOST: f64 = 5.0;

    /// A factor of at least 1.
    pub fn new(factor: f64) -> Option<Self> {
        (factor.is_finite() && (1.0..=100.0).contains(&factor)).then_some(Self(factor))
    }

    /// The factor itself.
    pub fn factor(self) -> f64 {
        self.0
    }

    /// A limit of the contract, with the allowance for a busy machine.
    pub fn stretch(self, limit: Duration) -> Duration {
        limit + ALLOWANCE.mul_f64(self.0)
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self(1.0)
    }
}

/// Polls `probe` until it returns `Ok`, at most for `limit`.
///
/// An `Err` of the probe says what was seen instead; the last one ends up in the failure.
pub async fn eventually<T, E: Display>(
    what: impl Display,
    limit: Duration,
    mut probe: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, Failure> {
    let begun = Instant::now();
    let mut last = String::from("nothing: no poll ended in time");
    let mut pause = FIRST_PAUSE;
    loop {
        let left = limit.saturating_sub(begun.elapsed());
        match tokio::time::timeout(left, probe()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(seen)) => last = seen.to_string(),
            Err(_) => return Err(not_in_time(&what, limit, &last)),
        }
        if begun.elapsed() >= limit {
            return Err(not_in_time(&what, limit, &last));
        }
        elapse(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

/// Lets time pass that a scenario names: an answer that takes 3 s, a request held for 4 s.
///
/// Never to wait for something: that is [`eventually`], which says what it waited for.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where anything in the harness lets time pass"
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

/// Polls `probe` over `window`; each result must be `Ok`.
pub async fn holds_for<E: Display>(
    what: impl Display,
    window: Duration,
    mut probe: impl AsyncFnMut() -> Result<(), E>,
) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        if let Err(seen) = probe().await {
            return Err(Failure::mismatch(
                format!("{what} for {}", seconds(window)),
                format!("after {}: {seen}", seconds(begun.elapsed())),
            ));
        }
        if begun.elapsed() >= window {
            return Ok(());
        }
        elapse(LONGEST_PAUSE.min(window / 4)).await;
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_condition_that_comes_true_is_waited_for() {
        let mut looks = 0;
        let found = eventually("third look", Duration::from_secs(1), async || {
            looks += 1;
            if looks == 3 {
                Ok(looks)
            } else {
                Err("not yet")
            }
        })
        .await;
        assert_eq!(found, Ok(3));
    }

    #[tokio::test]
    async fn a_probe_that_hangs_is_given_up_at_the_limit() {
        let found = eventually("an answer", Duration::from_millis(50), async || {
            std::future::pending::<Result<(), String>>().await
        })
        .await;
        assert!(matches!(found, Err(Failure::Mismatch { .. })));
    }

    #[tokio::test]
    async fn what_breaks_within_the_window_is_reported() {
        let mut looks = 0;
        let held = holds_for("calm", Duration::from_secs(5), async || {
            looks += 1;
            if looks < 3 { Ok(()) } else { Err("a storm") }
        })
        .await;
        assert!(matches!(held, Err(Failure::Mismatch { got, .. }) if got.contains("a storm")));
    }
}
