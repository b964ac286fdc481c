//! Typed parameters of steps; their parsers refuse unknown words.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::network::link::Link;
use cucumber::Parameter;
use tonic::Code;

use crate::contract::catalogue::COMPONENTS;
use crate::contract::components::{Component, Resource};

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

/// Dependencies of a component, as a step names them: `the database`, `the optional resource`, `no resource`.
#[derive(Clone, Debug, PartialEq, Eq, Parameter)]
#[param(
    name = "resources",
    regex = "(?:the|every|no) [A-Za-z]+(?: [a-z]+)?|[A-Z][a-z]+"
)]
pub struct Resources(String);

impl Resources {
    /// The resource that a component needs to be ready.
    pub fn required() -> Self {
        Self(REQUIRED.to_owned())
    }

    /// The resources of a component that the words mean; the error names what the component lacks.
    pub fn of(&self, component: &Component) -> StepResult<Vec<Resource>> {
        let one = |found: Option<Resource>| {
            let found = found.map(|it| vec![it]);
            found.ok_or_else(|| {
                Failure::broken(format!(
                    "{} has no such resource: {}",
                    component.name, self.0
                ))
            })
        };
        match self.0.as_str() {
            REQUIRED => one(component.required()),
            OPTIONAL => one(component.optional()),
            EVERY => Ok(component.resources.to_vec()),
            NONE => Ok(Vec::new()),
            phrase => one(component
                .resources
                .iter()
                .copied()
                .find(|it| it.phrase == phrase)),
        }
    }
}

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const REQUIRED: &str = "the required resource";
const OPTIONAL: &str = "the optional resource";
const EVERY: &str = "every resource";
const NONE: &str = "no resource";

impl FromStr for Resources {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let resources = COMPONENTS.iter().flat_map(|it| it.resources);
        let mut phrases: Vec<&str> = resources.map(|it| it.phrase).collect();
        phrases.extend([REQUIRED, OPTIONAL, EVERY, NONE]);
        if phrases.contains(&text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "unknown resource {text:?}; known: {}",
                phrases.join(", ")
            ))
        }
    }
}

/// The delay of a slowed link.
const SLOW: Duration = Duration::from_millis(300);

/// What happens to a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Parameter)]
#[param(name = "outage", regex = "cut|hung|slowed|there|restored")]
pub enum Outage {
    /// Connections are refused.
    Cut,
    /// Connections are accepted, and nothing passes.
    Hung,
    /// Each piece is delayed: less than every time-out, but long enough to be measured.
    Slowed,
    /// The link works again.
    Restored,
}

impl Outage {
    /// Applies it to a link.
    pub async fn apply(self, link: &Link) {
        match self {
            Self::Cut => link.cut().await,
            Self::Hung => link.hang().await,
            Self::Slowed => link.slow(SLOW).await,
            Self::Restored => link.restore().await,
        }
    }
}

impl FromStr for Outage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "cut" => Ok(Self::Cut),
            "hung" => Ok(Self::Hung),
            "slowed" => Ok(Self::Slowed),
            "there" | "restored" => Ok(Self::Restored),
            _ => Err(format!(
                "unknown outage {text:?}; known: cut, hung, slowed, there, restored"
            )),
        }
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cut => "cut",
            Self::Hung => "hung",
            Self::Slowed => "slowed",
            Self::Restored => "restored",
        })
    }
}

/// An instance of a deployment by its index from 0.
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

/// The health of a program, as its probes show it.
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
