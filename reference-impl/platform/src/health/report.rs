//! What a round of checks found.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::elapsed::milliseconds;

/// How a component, or the whole, is (HLT-2). From best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All is well.
    Healthy,
    /// Something is missing that the program can do without.
    Degraded,
    /// The program cannot do its work.
    Unhealthy,
}

impl Status {
    /// The status of the whole: that of its worst component (HLT-3).
    pub fn overall(components: &[ComponentReport]) -> Self {
        let statuses = components.iter().map(|component| component.status);
        statuses.max().unwrap_or(Self::Healthy)
    }

    /// The answer of `/health` (HLT-3).
    pub fn http_code(self) -> StatusCode {
        match self {
            Self::Healthy => StatusCode::OK,
            Self::Degraded => StatusCode::MULTI_STATUS,
            Self::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Whether the program is ready: `/ready`, and SERVING in gRPC health (HLT-3, GRP-1).
    pub fn is_ready(self) -> bool {
        self != Self::Unhealthy
    }

    /// Its name in health answers and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// How one component is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComponentReport {
    /// Its name.
    pub name: &'static str,
    /// How it is.
    pub status: Status,
    /// How long its check took, in milliseconds (HLT-6).
    pub latency_ms: f64,
    /// What is wrong, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The answer of `/health`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// How the whole is.
    pub status: Status,
    /// How each component is.
    pub components: Vec<ComponentReport>,
    /// `SERVICE_VERSION`
    pub version: String,
    /// When the checks were done.
    #[serde(serialize_with = "rfc3339")]
    pub timestamp: DateTime<Utc>,
}

impl Report {
    /// How the component of this name is.
    pub fn status_of(&self, name: &str) -> Option<Status> {
        let component = self
            .components
            .iter()
            .find(|component| component.name == name)?;
        Some(component.status)
    }
}

impl ComponentReport {
    /// What a check found: `error` says what is wrong, if anything.
    pub fn new(
        name: &'static str,
        optional: bool,
        latency: Duration,
        error: Option<String>,
    ) -> Self {
        let status = match error {
            None => Status::Healthy,
            Some(_) if optional => Status::Degraded,
            Some(_) => Status::Unhealthy,
        };
        Self {
            name,
            status,
            latency_ms: milliseconds(latency),
            error,
        }
    }
}

fn rfc3339<S: serde::Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(components: &[(bool, bool)], status: Status, code: u16, ready: bool) {
        let components: Vec<_> = components
            .iter()
            .map(|(optional, fails)| {
                let error = fails.then(|| "down".to_owned());
                ComponentReport::new("c", *optional, Duration::ZERO, error)
            })
            .collect();
        let overall = Status::overall(&components);
        assert_eq!(overall, status);
        assert_eq!(overall.http_code().as_u16(), code);
        assert_eq!(overall.is_ready(), ready);
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
