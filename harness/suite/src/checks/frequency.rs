//! How often something happened, by the times at which it was observed.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::{Duration, Instant};

use conformance_engine::failure::{StepResult, ensure};

/// The part of a window that is judged: times observed outside the program differ a little from those inside.
const JUDGED: f64 = 0.9;

/// Checks that at most `most` of the moments lie within any window of this length.
pub fn at_most_within(moments: &[Instant], window: Duration, most: usize) -> StepResult {
    let window = window.mul_f64(JUDGED);
    let within = |first: &Instant| {
        let until = *first + window;
        moments
            .iter()
            .filter(|moment| (*first..=until).contains(*moment))
            .count()
    };
    let seen = moments.iter().map(within).max().unwrap_or(0);
    ensure(seen <= most, format!("at most {most} checks"), seen)
}

/// A value that an answer showed, and when its request was sent and it was received.
#[derive(Clone, Debug)]
pub struct Shown<T> {
    pub sent: Instant,
    pub received: Instant,
    pub value: T,
}

/// Checks that the answers within any window of this length show at most `most` different values.
pub fn values_within<T: Ord + Debug>(
    answers: &[Shown<T>],
    window: Duration,
    most: usize,
) -> StepResult {
    ensure(!answers.is_empty(), "an answer", "none")?;
    let window = window.mul_f64(JUDGED);
    for first in answers {
        let until = first.sent + window;
        let within = answers
            .iter()
            .filter(|answer| answer.sent >= first.sent && answer.received <= until);
        let seen: BTreeSet<&T> = within.map(|answer| &answer.value).collect();
        ensure(
            seen.len() <= most,
            format!("at most {most} timestamps"),
            format!(
                "{} within {:.1} s: {seen:?}",
                seen.len(),
                window.as_secs_f64()
            ),
        )?;
    }
    Ok(())
}

/// Checks that on no connection two PINGs follow each other sooner than `least`; a connection may have none.
pub fn pings_apart(
    connections: &[Vec<Instant>],
    least: Duration,
    tolerance: Duration,
) -> StepResult {
    ensure(
        !connections.is_empty(),
        "a connection to the user service",
        "none",
    )?;
    for pings in connections {
        let shortest = pings.windows(2).map(|pair| pair[1] - pair[0]).min();
        ensure(
            shortest.is_none_or(|pause| pause + tolerance >= least),
            format!("pings {least:?} apart or more"),
            format!("{shortest:?}"),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(milliseconds: &[u64]) -> Vec<Instant> {
        let begun = Instant::now();
        let at = |after: &u64| begun + Duration::from_millis(*after);
        milliseconds.iter().map(at).collect()
    }

    #[test]
    fn more_than_allowed_within_a_window_is_refused() {
        let second = Duration::from_secs(1);
        let moments = moments(&[0, 1000, 1500, 1800, 4000]);
        assert_eq!(at_most_within(&moments, second, 3), Ok(()));
        assert!(at_most_within(&moments, second, 2).is_err());
    }

    #[test]
    fn pings_too_close_on_one_connection_are_refused() {
        let (least, tolerance) = (Duration::from_secs(10), Duration::from_millis(500));
        let right = [moments(&[0, 9600, 20_000]), moments(&[50])];
        assert_eq!(pings_apart(&right, least, tolerance), Ok(()));
        let wrong = [moments(&[0]), moments(&[0, 10_000, 19_000])];
        assert!(pings_apart(&wrong, least, tolerance).is_err());
    }

    #[test]
    fn a_cache_shows_few_values_within_a_window() {
        let sent = moments(&[0, 300, 600, 5000]);
        let answers = |values: [u32; 4]| -> Vec<Shown<u32>> {
            std::iter::zip(&sent, values)
                .map(|(sent, value)| Shown {
                    sent: *sent,
                    received: *sent + Duration::from_millis(1),
                    value,
                })
                .collect()
        };
        let second = Duration::from_secs(1);
        assert_eq!(values_within(&answers([1, 1, 2, 3]), second, 2), Ok(()));
        assert!(values_within(&answers([1, 2, 3, 3]), second, 2).is_err());
        assert!(values_within::<u32>(&[], second, 2).is_err());
    }

    #[test]
    fn without_a_connection_nothing_is_shown() {
        assert!(pings_apart(&[], Duration::ZERO, Duration::ZERO).is_err());
    }
}
