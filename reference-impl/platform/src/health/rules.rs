//! What the contract says about health, as plain values.

use std::time::Duration;

use axum::http::StatusCode;

use super::{ComponentReport, Status};
use crate::elapsed::milliseconds;

/// The shortest pause between two rounds of checks, whatever `HEALTH_CACHE_TTL` says.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// The decisions about health. [`HealthRules::default`] is the contract.
#[derive(Clone, Copy)]
pub struct HealthRules {
    /// The status of a component that failed its check, by whether it is optional (HLT-3).
    pub failed: fn(bool) -> Status,
    /// The status of the whole (HLT-3).
    pub overall: fn(&[ComponentReport]) -> Status,
    /// The answer of `/live` (HLT-1).
    pub live_code: fn() -> StatusCode,
    /// The answer of `/health` (HLT-3).
    pub health_code: fn(Status) -> StatusCode,
    /// Whether the program is ready: `/ready`, and SERVING in gRPC health (HLT-3, GRP-1).
    pub is_ready: fn(Status) -> bool,
    /// A duration in the unit of `latency_ms` (HLT-6).
    pub latency_ms: fn(Duration) -> f64,
    /// How long one check may take, given `HEALTH_CHECK_TIMEOUT` (HLT-4).
    pub check_timeout: fn(Duration) -> Duration,
    /// The pause from the end of one round of checks to the next, given `HEALTH_CACHE_TTL` (HLT-5).
    pub pause: fn(Duration) -> Duration,
}

impl Default for HealthRules {
    fn default() -> Self {
        Self {
            failed: |optional| {
                if optional {
                    Status::Degraded
                } else {
                    Status::Unhealthy
                }
            },
            overall: |components| {
                components
                    .iter()
                    .map(|component| component.status)
                    .max()
                    .unwrap_or(Status::Healthy)
            },
            live_code: || StatusCode::OK,
            health_code: |status| match status {
                Status::Healthy => StatusCode::OK,
                Status::Degraded => StatusCode::MULTI_STATUS,
                Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
            },
            is_ready: |status| status != Status::Unhealthy,
            latency_ms: milliseconds,
            check_timeout: |timeout| timeout,
            pause: |ttl| ttl.max(SHORTEST_PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(components: &[(bool, bool)], status: Status, code: u16, ready: bool) {
        let rules = HealthRules::default();
        let components: Vec<_> = components
            .iter()
            .map(|(optional, fails)| {
                let error = fails.then(|| "down".to_owned());
                ComponentReport::new(&rules, "c", *optional, Duration::ZERO, error)
            })
            .collect();
        let overall = (rules.overall)(&components);
        assert_eq!(overall, status);
        assert_eq!((rules.health_code)(overall).as_u16(), code);
        assert_eq!((rules.is_ready)(overall), ready);
    }

    #[test]
    fn the_worst_component_decides() {
        check(&[(false, false), (true, false)], Status::Healthy, 200, true);
        check(&[(false, false), (true, true)], Status::Degraded, 207, true);
        check(
            &[(false, true), (true, false)],
            Status::Unhealthy,
            503,
            false,
        );
        check(
            &[(false, true), (true, true)],
            Status::Unhealthy,
            503,
            false,
        );
    }
}
