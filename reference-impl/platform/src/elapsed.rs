//! How durations are written.

use std::time::Duration;

/// A duration as logs and health answers give it: milliseconds, to the microsecond (LOG-3, HLT-6).
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(microseconds: u64, expected: &str) {
        assert_eq!(
            milliseconds(Duration::from_micros(microseconds)).to_string(),
            expected
        );
    }

    #[test]
    fn a_duration_is_written_in_milliseconds() {
        check(0, "0");
        check(1500, "1.5");
        check(4_625_004, "4625.004");
    }
}
