//! What the server did to a connection, as its client observed it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use conformance_engine::observe::Journal;

use super::frames::Frame;
use super::tap::FrameObserver;

/// An action of a server on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// GOAWAY with this error code; 0 is none.
    GoAway(u32),
    /// It closed or reset the connection.
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

/// The observed events of one connection; clones share it.
#[derive(Clone, Debug)]
pub struct ConnectionLog {
    events: Arc<Mutex<Vec<(Instant, Event)>>>,
    muted: Arc<AtomicBool>,
    journal: Journal,
}

impl ConnectionLog {
    /// An empty log.
    pub fn new(journal: Journal) -> Self {
        Self {
            events: Arc::default(),
            muted: Arc::default(),
            journal,
        }
    }

    /// All events so far, with their times.
    pub fn events(&self) -> Vec<(Instant, Event)> {
        let events = self.events.lock();
        events.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on the client sends and answers nothing, as if its machine were gone.
    pub fn mute(&self) {
        self.journal.note("the client is muted");
        self.muted.store(true, Ordering::SeqCst);
    }

    fn note(&self, event: Event) {
        self.journal.note(event.to_string());
        let events = self.events.lock();
        let mut events = events.unwrap_or_else(PoisonError::into_inner);
        events.push((Instant::now(), event));
    }
}

impl FrameObserver for ConnectionLog {
    fn received(&self, frame: &Frame) {
        if let Some(code) = frame.goaway() {
            self.note(Event::GoAway(code));
        }
    }

    fn closed(&self) {
        self.note(Event::Closed);
    }

    fn is_muted(&self) -> bool {
        self.muted.load(Ordering::SeqCst)
    }
}
