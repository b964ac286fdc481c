//! The journal: what happened in one scenario, in order, for its evidence.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The newest entries that are kept; a property scenario makes thousands.
const KEPT: usize = 400;

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Counted from 1 over the whole scenario.
    pub number: usize,
    /// Since the scenario began.
    pub at: Duration,
    /// In words: a request with its status and time, a signal, an outage.
    pub what: String,
}

/// What happened in one scenario. Clones share the same entries.
#[derive(Clone, Debug)]
pub struct Journal {
    begun: Instant,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    count: usize,
    entries: std::collections::VecDeque<Entry>,
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
            inner: Arc::default(),
        }
    }

    /// Adds what just happened.
    pub fn note(&self, what: impl Into<String>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.count += 1;
        let entry = Entry {
            number: inner.count,
            at: self.begun.elapsed(),
            what: what.into(),
        };
        if inner.entries.len() == KEPT {
            inner.entries.pop_front();
        }
        inner.entries.push_back(entry);
    }

    /// When the scenario began.
    pub fn begun(&self) -> Instant {
        self.begun
    }

    /// The newest entries, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.entries.iter().cloned().collect()
    }
}
