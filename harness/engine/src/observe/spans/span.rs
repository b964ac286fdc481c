//! One span, as it was exported.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::context::{SpanId, TraceId};

/// Attributes by their keys.
pub type Attributes = BTreeMap<String, Value>;

/// One span.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The trace that it belongs to.
    pub trace: TraceId,
    /// Its id within the trace.
    pub id: SpanId,
    /// The span that caused it; a span without one begins its trace.
    pub parent: Option<SpanId>,
    /// Its name.
    pub name: String,
    /// Its part in a call.
    pub kind: Kind,
    /// Whether it failed.
    pub status: Status,
    /// When it started, by its program's clock: nanoseconds since 1970.
    pub start: u64,
    /// When it ended, likewise.
    pub end: u64,
    /// Its attributes.
    pub attributes: Attributes,
    /// The attributes of the program that exported it.
    pub resource: Arc<Attributes>,
}

impl Span {
    /// `service.name` of its program; empty without one.
    pub fn service(&self) -> &str {
        self.resource
            .get("service.name")
            .and_then(Value::text)
            .unwrap_or_default()
    }

    /// The first of these attributes that the span has: the name of the conventions, or an older one.
    pub fn attribute(&self, keys: &[&str]) -> Option<&Value> {
        keys.iter().find_map(|key| self.attributes.get(*key))
    }
}

/// `SERVER "GET /users" of gateway`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} of {}", self.kind, self.name, self.service())
    }
}

/// The part of a span in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An operation within a program; also a kind that was not given.
    Internal,
    /// It handles a request.
    Server,
    /// It sends a request and waits for the answer.
    Client,
    /// It sends a message.
    Producer,
    /// It handles a message.
    Consumer,
}

/// As the specification writes it.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Internal => "INTERNAL",
            Self::Server => "SERVER",
            Self::Client => "CLIENT",
            Self::Producer => "PRODUCER",
            Self::Consumer => "CONSUMER",
        })
    }
}

/// Whether the operation of a span failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The default: it did not fail.
    Unset,
    /// Its program declared it successful.
    Ok,
    /// It failed.
    Error,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unset => "Unset",
            Self::Ok => "Ok",
            Self::Error => "Error",
        })
    }
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Any other value, written for messages.
    Other(String),
}

impl Value {
    /// The text that it is.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Integer(_) | Self::Other(_) => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Other(shown) => f.write_str(shown),
        }
    }
}
