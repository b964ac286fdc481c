//! Typed parameters of steps; their parsers refuse unknown words.

use std::str::FromStr;
use std::time::Duration;

use cucumber::Parameter;
use tonic::Code;

use crate::component::{Component, Resource};

/// A gRPC status code by its name in the specification: `ALREADY_EXISTS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Parameter)]
#[param(name = "status", regex = r"[A-Z_]+")]
pub struct StatusCode(pub Code);

const CODES: &[(&str, Code)] = &[
    ("OK", Code::Ok),
    ("CANCELLED", Code::Cancelled),
    ("UNKNOWN", Code::Unknown),
    ("INVALID_ARGUMENT", Code::InvalidArgument),
    ("DEADLINE_EXCEEDED", Code::DeadlineExceeded),
    ("NOT_FOUND", Code::NotFound),
    ("ALREADY_EXISTS", Code::AlreadyExists),
    ("PERMISSION_DENIED", Code::PermissionDenied),
    ("RESOURCE_EXHAUSTED", Code::ResourceExhausted),
    ("FAILED_PRECONDITION", Code::FailedPrecondition),
    ("ABORTED", Code::Aborted),
    ("OUT_OF_RANGE", Code::OutOfRange),
    ("UNIMPLEMENTED", Code::Unimplemented),
    ("INTERNAL", Code::Internal),
    ("UNAVAILABLE", Code::Unavailable),
    ("DATA_LOSS", Code::DataLoss),
    ("UNAUTHENTICATED", Code::Unauthenticated),
];

/// The specification's name of a code.
pub fn code_name(code: Code) -> &'static str {
    CODES
        .iter()
        .find_map(|(name, it)| (*it == code).then_some(*name))
        .unwrap_or("UNKNOWN")
}

impl FromStr for StatusCode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        CODES
            .iter()
            .find_map(|(name, code)| (*name == text).then_some(Self(*code)))
            .ok_or_else(|| format!("{text:?} is no gRPC status code"))
    }
}

/// A length of time: `500 ms`, `3 s`, `2 m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Parameter)]
#[param(name = "duration", regex = r"\d+ (?:ms|s|m)")]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, unit) = text
            .split_once(' ')
            .ok_or_else(|| format!("{text:?} lacks a unit"))?;
        let number: u64 = number
            .parse()
            .map_err(|_| format!("{number:?} is no number"))?;
        match unit {
            "ms" => Ok(Self(Duration::from_millis(number))),
            "s" => Ok(Self(Duration::from_secs(number))),
            "m" => Ok(Self(Duration::from_secs(60 * number))),
            _ => Err(format!("{unit:?} is no unit of time; ms, s, m are")),
        }
    }
}

/// Attached resources, in the words of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resources(String);

impl Resources {
    /// The resources of a program that the words mean.
    pub fn of(&self, component: Component) -> Vec<Resource> {
        match self.0.as_str() {
            "the database" => vec![Resource::Database],
            "Redis" => vec![Resource::Redis],
            "the user service" => vec![Resource::UserService],
            "the required resource" => vec![component.required()],
            // In the user service, HEALTH_OPTIONAL names redis by default; elsewhere a scenario names it.
            "the optional resource" => component.resources().last().copied().into_iter().collect(),
            "no resource" => Vec::new(),
            _ => component.resources().to_vec(),
        }
    }
}

impl FromStr for Resources {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "the database"
            | "Redis"
            | "the user service"
            | "the required resource"
            | "the optional resource"
            | "every resource"
            | "no resource" => Ok(Self(text.to_owned())),
            _ => Err(format!("{text:?} is no resource")),
        }
    }
}

/// One of a deployment's instances; counted from 0 inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Parameter)]
#[param(name = "instance", regex = r"first|second|third")]
pub struct Nth(pub usize);

impl FromStr for Nth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "first" => Ok(Self(0)),
            "second" => Ok(Self(1)),
            "third" => Ok(Self(2)),
            _ => Err(format!("{text:?} is no instance")),
        }
    }
}

/// How a program is, as one look at its probes shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// `/live` is 200 with `{"status":"alive"}`.
    Alive,
    /// `/ready` is 200.
    Ready,
    /// `/health` 200 and `/ready` 200.
    Healthy,
    /// `/health` 207 and `/ready` 200.
    Degraded,
    /// `/health` 503 and `/ready` 503.
    Unhealthy,
    /// Alive, and `/ready` is 503.
    AliveAndNotReady,
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "alive" => Self::Alive,
            "ready" => Self::Ready,
            "healthy" => Self::Healthy,
            "degraded" => Self::Degraded,
            "unhealthy" => Self::Unhealthy,
            "alive and not ready" => Self::AliveAndNotReady,
            _ => return Err(format!("{text:?} is no state")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_are_refused() {
        assert!("ALREADY_EXIST".parse::<StatusCode>().is_err());
        assert!("3 h".parse::<Span>().is_err());
        assert!("the cache".parse::<Resources>().is_err());
    }

    #[test]
    fn a_duration_has_a_unit() {
        assert_eq!("500 ms".parse(), Ok(Span(Duration::from_millis(500))));
    }
}
