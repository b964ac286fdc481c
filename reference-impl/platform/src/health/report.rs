//! What a round of checks found.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::HealthRules;

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
        rules: &HealthRules,
        name: &'static str,
        optional: bool,
        latency: Duration,
        error: Option<String>,
    ) -> Self {
        let status = match error {
            None => Status::Healthy,
            Some(_) => (rules.failed)(optional),
        };
        Self {
            name,
            status,
            latency_ms: (rules.latency_ms)(latency),
            error,
        }
    }
}

fn rfc3339<S: serde::Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true))
}
