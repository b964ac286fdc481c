//! Which calls are tried again, and after which pause (RES-2).

use std::time::Duration;

use axum::http::Method;
use tonic::Code;

/// The decisions about retries. [`RetryRules::default`] is the contract.
#[derive(Debug, Clone, Copy)]
pub struct RetryRules {
    /// Whether calls of a request with this method are tried again.
    pub methods: fn(&Method) -> bool,
    /// Whether a call that ended so is tried again.
    pub codes: fn(Code) -> bool,
    /// How often a call is tried in all, given `RETRY_MAX_ATTEMPTS`.
    pub attempts: fn(u32) -> u32,
    /// The pause after the try of this number, the first being 1, given `RETRY_BASE_DELAY`; the last is
    /// a random number from 0 to 1.
    pub pause: fn(Duration, u32, f64) -> Duration,
    /// Whether the trial of a breaker is tried again (RES-4).
    pub trials: bool,
}

impl Default for RetryRules {
    fn default() -> Self {
        Self {
            methods: |method| method == Method::GET,
            codes: |code| code == Code::Unavailable,
            attempts: |setting| setting.min(5),
            pause,
            trials: false,
        }
    }
}

/// Between 0.5 and 1.5 times a delay that doubles with each try.
fn pause(base: Duration, number: u32, random: f64) -> Duration {
    let doubled = base.saturating_mul(2_u32.saturating_pow(number - 1));
    Duration::try_from_secs_f64(doubled.as_secs_f64() * (0.5 + random)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(number: u32, random: f64, milliseconds: u64) {
        let pause = pause(Duration::from_millis(50), number, random);
        assert_eq!(pause, Duration::from_millis(milliseconds));
    }

    #[test]
    fn pauses_double_and_vary_by_half() {
        check(1, 0.0, 25);
        check(1, 0.5, 50);
        check(1, 1.0, 75);
        check(2, 0.5, 100);
        check(3, 0.0, 100);
        check(4, 1.0, 600);
    }

    #[test]
    fn no_number_is_too_great() {
        assert_eq!(pause(Duration::MAX, 40, 1.0), Duration::MAX);
    }

    #[test]
    fn only_what_can_do_no_harm_is_tried_again() {
        let rules = RetryRules::default();
        assert!((rules.methods)(&Method::GET));
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            assert!(!(rules.methods)(&method));
        }
        let repeated = (0..=16).filter(|code| (rules.codes)(Code::from(*code)));
        assert_eq!(repeated.collect::<Vec<_>>(), [14]);
    }
}
