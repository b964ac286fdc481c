//! Which calls are repeated, how often, and after which pauses (RES-2).

use std::time::Duration;

use axum::http::Method;
use tonic::Code;

/// The most attempts for one request, even if `RETRY_MAX_ATTEMPTS` allows more.
const ATTEMPTS_LIMIT: u32 = 5;

/// Whether a call that ended with `code`, for a request with `method`, may be repeated.
pub fn is_retryable(method: &Method, code: Code) -> bool {
    method == Method::GET && code == Code::Unavailable
}

/// How many attempts a request makes in all.
pub fn attempts(max_attempts: u32) -> u32 {
    max_attempts.min(ATTEMPTS_LIMIT)
}

/// The pause after the attempt of this number, the first being 1: the base delay, doubled with each
/// attempt, times a random factor from 0.5 to 1.5. `random` is between 0 and 1.
pub fn pause(base_delay: Duration, attempt: u32, random: f64) -> Duration {
    let doubled = base_delay.saturating_mul(2_u32.saturating_pow(attempt - 1));
    Duration::try_from_secs_f64(doubled.as_secs_f64() * (0.5 + random)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(attempt: u32, random: f64, milliseconds: u64) {
        let pause = pause(Duration::from_millis(50), attempt, random);
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
    fn no_pause_overflows() {
        assert_eq!(pause(Duration::MAX, 40, 1.0), Duration::MAX);
    }

    #[test]
    fn only_a_get_that_is_unavailable_is_repeated() {
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            assert!(!is_retryable(&method, Code::Unavailable));
        }
        let retryable = (0..=16).filter(|code| is_retryable(&Method::GET, Code::from(*code)));
        assert_eq!(retryable.collect::<Vec<_>>(), [14]);
    }

    #[test]
    fn a_request_makes_at_most_five_attempts() {
        assert_eq!([1, 5, 6, u32::MAX].map(attempts), [1, 5, 5, 5]);
    }
}
