//! A connection's bytes on their way to the client, looked at, or held back.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;
use std::{fmt, io};

use conformance_engine::observe::Journal;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::frames::Reader;

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

    fn is_muted(&self) -> bool {
        self.muted.load(Ordering::SeqCst)
    }

    fn note(&self, event: Event) {
        self.journal.note(event.to_string());
        let events = self.events.lock();
        let mut events = events.unwrap_or_else(PoisonError::into_inner);
        events.push((Instant::now(), event));
    }
}

/// The client's end of a connection.
pub struct Tap {
    stream: TcpStream,
    reader: Reader,
    sight: Sight,
}

impl Tap {
    /// Looks at what comes from `stream`.
    pub fn new(stream: TcpStream, sight: Sight) -> Self {
        Self {
            stream,
            reader: Reader::default(),
            sight,
        }
    }

    /// Notes what was read; nothing is the end.
    fn look(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            self.sight.note(Event::Closed);
        }
        for frame in self.reader.read(bytes) {
            if let Some(code) = frame.goaway() {
                self.sight.note(Event::GoAway(code));
            }
        }
    }
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
            if let Err(error) = read {
                self.sight.note(Event::Closed);
                return Poll::Ready(Err(error));
            }
            let bytes = buffer.filled()[before..].to_vec();
            self.look(&bytes);
            if bytes.is_empty() || !self.sight.is_muted() {
                return Poll::Ready(Ok(()));
            }
            // Read, so that the end is seen, and never passed on.
            buffer.set_filled(before);
        }
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.sight.is_muted() {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
