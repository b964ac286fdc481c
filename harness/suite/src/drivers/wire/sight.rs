//! What a client sees of its connection.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use conformance_engine::observe::Journal;

use super::frames::Frame;
use super::tap::Look;

/// What a server does to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// GOAWAY with this error code; 0 is none.
    GoAway(u32),
    /// It closed the connection, politely or not.
    Closed,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GoAway(code) => write!(f, "GOAWAY with code {code}"),
            Self::Closed => f.write_str("closed by the server"),
        }
    }
}

/// What was seen of one connection; clones share it.
#[derive(Clone, Debug)]
pub struct Sight {
    events: Arc<Mutex<Vec<(Instant, Event)>>>,
    muted: Arc<AtomicBool>,
    journal: Journal,
}

impl Sight {
    /// Nothing yet.
    pub fn new(journal: Journal) -> Self {
        Self {
            events: Arc::default(),
            muted: Arc::default(),
            journal,
        }
    }

    /// Everything so far, with its moment.
    pub fn events(&self) -> Vec<(Instant, Event)> {
        let events = self.events.lock();
        events.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on the client sends nothing and answers nothing, as if its machine were gone.
    pub fn mute(&self) {
        self.journal.note("the client falls silent");
        self.muted.store(true, Ordering::SeqCst);
    }

    fn note(&self, event: Event) {
        self.journal.note(event.to_string());
        let events = self.events.lock();
        let mut events = events.unwrap_or_else(PoisonError::into_inner);
        events.push((Instant::now(), event));
    }
}

impl Look for Sight {
    fn heard(&self, frame: &Frame) {
        if let Some(code) = frame.goaway() {
            self.note(Event::GoAway(code));
        }
    }

    fn closed(&self) {
        self.note(Event::Closed);
    }

    fn is_silent(&self) -> bool {
        self.muted.load(Ordering::SeqCst)
    }
}
