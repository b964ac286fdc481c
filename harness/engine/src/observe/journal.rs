//! The journal: the typed events of one scenario, in order, as evidence for its report.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// How many events are kept, the latest ones; a property scenario records thousands.
const MAX_KEPT_EVENTS: usize = 400;

/// One event of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Sequence number within the scenario, from 1.
    pub number: usize,
    /// Time since the scenario started.
    pub at: Duration,
    /// The instance that the event concerns: `user-service #1`.
    pub instance: Option<String>,
    /// The kind of event, with its data.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// The kind of an event, with its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// A gRPC call that has ended.
    Call {
        /// The gRPC method: `CreateUser`.
        method: String,
        /// `OK`, or the error status with its message.
        status: String,
        /// Duration from start to end.
        took: Duration,
    },
    /// An HTTP request with its response.
    Exchange {
        /// Method and path: `GET /api/v1/users`.
        request: String,
        /// The status `200`, or why there was no response.
        answer: String,
        /// Duration from start to end.
        took: Duration,
    },
    /// A signal that was sent to an instance.
    Signal {
        /// The signal's name: `SIGTERM`.
        signal: String,
    },
    /// A change of the link between an instance and a resource.
    Outage {
        /// The resource: `database`.
        resource: String,
        /// The new state of the link: `cut`, `hung` or `restored`.
        state: String,
    },
    /// A change of a backend: killed, frozen or flushed.
    Backend {
        /// The backend: `postgres`.
        backend: String,
        /// What was done to the backend: `killed`.
        change: String,
    },
    /// Any other event, as text.
    Note {
        /// The text.
        text: String,
    },
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call {
                method,
                status,
                took,
            } => write!(f, "{method} {status} {} ms", took.as_millis()),
            Self::Exchange {
                request,
                answer,
                took,
            } => write!(f, "{request} {answer} {} ms", took.as_millis()),
            Self::Signal { signal } => f.write_str(signal),
            Self::Outage { resource, state } => write!(f, "{resource} is {state}"),
            Self::Backend { backend, change } => write!(f, "{backend} {change}"),
            Self::Note { text } => f.write_str(text),
        }
    }
}

/// `#3 +120 ms user-service #1: CreateUser OK 4 ms`.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} +{} ms ", self.number, self.at.as_millis())?;
        if let Some(instance) = &self.instance {
            write!(f, "{instance}: ")?;
        }
        write!(f, "{}", self.kind)
    }
}

/// Records the events of one scenario. Clones share the same events.
#[derive(Clone, Debug)]
pub struct Journal {
    started: Instant,
    instance: Option<Arc<str>>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    count: usize,
    events: VecDeque<Event>,
}

impl Default for Journal {
    fn default() -> Self {
        Self::new()
    }
}

impl Journal {
    /// An empty journal; event times count from now.
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            instance: None,
            inner: Arc::default(),
        }
    }

    /// A handle to this journal that attributes its events to an instance.
    #[must_use]
    pub fn for_instance(&self, name: &str) -> Self {
        Self {
            instance: Some(name.into()),
            ..self.clone()
        }
    }

    /// Appends an event with the current time.
    pub fn record(&self, kind: EventKind) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.count += 1;
        let event = Event {
            number: inner.count,
            at: self.started.elapsed(),
            instance: self.instance.as_deref().map(str::to_owned),
            kind,
        };
        if inner.events.len() == MAX_KEPT_EVENTS {
            inner.events.pop_front();
        }
        inner.events.push_back(event);
    }

    /// Appends a text event.
    pub fn note(&self, text: impl Into<String>) {
        self.record(EventKind::Note { text: text.into() });
    }

    /// When the scenario started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// The kept events, oldest first.
    pub fn events(&self) -> Vec<Event> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.events.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_several_instances_are_numbered_in_one_order() {
        let journal = Journal::new();
        let second = journal.for_instance("user-service #2");
        journal.note("begins");
        second.record(EventKind::Call {
            method: "CreateUser".to_owned(),
            status: "OK".to_owned(),
            took: Duration::from_millis(4),
        });
        let shown: Vec<String> = journal
            .events()
            .iter()
            .map(|event| Event {
                at: Duration::from_millis(120),
                ..event.clone()
            })
            .map(|event| event.to_string())
            .collect();
        assert_eq!(
            shown,
            [
                "#1 +120 ms begins",
                "#2 +120 ms user-service #2: CreateUser OK 4 ms"
            ]
        );
    }

    #[test]
    fn only_the_latest_events_are_kept_with_their_numbers() {
        let journal = Journal::new();
        for number in 0..=MAX_KEPT_EVENTS {
            journal.note(number.to_string());
        }
        let events = journal.events();
        assert_eq!((events.len(), events[0].number), (MAX_KEPT_EVENTS, 2));
    }

    #[test]
    fn an_event_survives_serialization() {
        let event = Event {
            number: 7,
            at: Duration::from_micros(1_500),
            instance: Some("gateway #1".to_owned()),
            kind: EventKind::Outage {
                resource: "user-service".to_owned(),
                state: "cut".to_owned(),
            },
        };
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
    }
}
