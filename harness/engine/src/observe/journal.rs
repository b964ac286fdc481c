//! The journal: what happened in one scenario, as typed events in order, for its evidence.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// The newest events that are kept; a property scenario makes thousands.
const KEPT: usize = 400;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counted from 1 over the whole scenario.
    pub number: usize,
    /// Since the scenario began.
    pub at: Duration,
    /// The instance that it concerns: `user-service #1`.
    pub instance: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// A gRPC call that has ended.
    Call {
        /// `CreateUser`.
        method: String,
        /// `OK`, or the status with its message.
        status: String,
        /// From its start to its end.
        took: Duration,
    },
    /// A request over HTTP, with its answer.
    Exchange {
        /// `GET /api/v1/users`.
        request: String,
        /// `200`, or why there was no answer.
        answer: String,
        /// From its start to its end.
        took: Duration,
    },
    /// A signal that was sent to an instance.
    Signal {
        /// `SIGTERM`.
        signal: String,
    },
    /// A change of the way to a resource.
    Outage {
        /// `database`.
        resource: String,
        /// `cut`, `hung`, `restored`.
        state: String,
    },
    /// A change of a backend itself: killed, frozen, flushed.
    Backend {
        /// `postgres`.
        backend: String,
        /// What was done to it.
        change: String,
    },
    /// Anything else, in words.
    Note {
        /// The words.
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

/// What happened in one scenario. Clones share the same events.
#[derive(Clone, Debug)]
pub struct Journal {
    begun: Instant,
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
    /// An empty journal that begins now.
    pub fn new() -> Self {
        Self {
            begun: Instant::now(),
            instance: None,
            inner: Arc::default(),
        }
    }

    /// The same journal, for events that concern one instance.
    #[must_use]
    pub fn of_instance(&self, name: &str) -> Self {
        Self {
            instance: Some(name.into()),
            ..self.clone()
        }
    }

    /// Adds what just happened.
    pub fn record(&self, kind: EventKind) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.count += 1;
        let event = Event {
            number: inner.count,
            at: self.begun.elapsed(),
            instance: self.instance.as_deref().map(str::to_owned),
            kind,
        };
        if inner.events.len() == KEPT {
            inner.events.pop_front();
        }
        inner.events.push_back(event);
    }

    /// Adds what just happened, in words.
    pub fn note(&self, text: impl Into<String>) {
        self.record(EventKind::Note { text: text.into() });
    }

    /// When the scenario began.
    pub fn begun(&self) -> Instant {
        self.begun
    }

    /// The newest events, oldest first.
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
        let second = journal.of_instance("user-service #2");
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
    fn only_the_newest_events_are_kept_and_their_numbers_show_it() {
        let journal = Journal::new();
        for number in 0..=KEPT {
            journal.note(number.to_string());
        }
        let events = journal.events();
        assert_eq!((events.len(), events[0].number), (KEPT, 2));
    }

    #[test]
    fn an_event_is_read_back_as_it_was_written() {
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
