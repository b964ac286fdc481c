//! What a double has received: calls, connections, health checks, each with its times.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use http::uri::PathAndQuery;
use prost::Message;

use super::service;

/// A `UserService` call: its headers and its whole body have arrived.
#[derive(Clone, Debug)]
pub struct ReceivedCall {
    /// `/user.v1.UserService/GetUser`.
    pub path: PathAndQuery,
    /// All headers: `x-request-id`, `grpc-timeout`, `traceparent`.
    pub metadata: std::sync::Arc<HeaderMap>,
    /// As it came, with the message's frame.
    pub body: Bytes,
    /// When all of it was there.
    pub received: Instant,
    /// The connection it came by, counted from 0: its place in the list of connections.
    pub connection: usize,
    /// The number of its stream.
    pub stream: u32,
    /// How it ended, so far.
    pub ending: Ending,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It has no answer yet.
    Open,
    /// The last byte of its answer left.
    Answered {
        /// `grpc-status`, if the answer had one.
        code: Option<u32>,
        /// When.
        at: Instant,
    },
    /// The double reset the stream, closed the connection, or said by GOAWAY that it is unprocessed.
    CutOff(Instant),
    /// Its client reset the stream, or closed the connection, before the answer was sent.
    AbandonedByClient(Instant),
}

impl Ending {
    /// When; none while the call is open.
    pub fn at(self) -> Option<Instant> {
        match self {
            Self::Open => None,
            Self::Answered { at, .. } | Self::CutOff(at) | Self::AbandonedByClient(at) => Some(at),
        }
    }
}

impl ReceivedCall {
    /// `GetUser`.
    pub fn method(&self) -> &str {
        self.path.path().rsplit('/').next().unwrap_or_default()
    }

    /// A header, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.metadata.get(name)?.to_str().ok()
    }

    /// The `x-request-id` (GWY-7).
    pub fn request_id(&self) -> Option<&str> {
        self.header(REQUEST_ID)
    }

    /// The message that was sent, or why there is none.
    pub fn message<M: Message + Default>(&self) -> Result<M, String> {
        service::decode(&self.body).map_err(|it| it.message().to_owned())
    }

    /// When the answer was sent, if it was.
    pub fn answered(&self) -> Option<Instant> {
        match self.ending {
            Ending::Answered { at, .. } => Some(at),
            _ => None,
        }
    }
}

/// The metadata that names a request.
pub const REQUEST_ID: &str = "x-request-id";

/// A TCP connection that was accepted.
#[derive(Clone, Debug)]
pub struct ReceivedConnection {
    /// When it was accepted.
    #[cfg_attr(not(test), expect(dead_code, reason = "part of the Debug output"))]
    pub opened: Instant,
    /// When it ended.
    pub closed: Option<Instant>,
    /// When the client closed it, if the client was the first.
    pub closed_by_client: Option<Instant>,
    /// PINGs that the client sent; its answers to PINGs are none.
    pub pings: Vec<Instant>,
    /// GOAWAYs that the client sent.
    pub goaways: Vec<Instant>,
}

/// A call of `grpc.health.v1.Health`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// The service whose health was requested; empty for the whole server.
    pub service: String,
    /// Watch rather than Check.
    pub watch: bool,
    /// When it arrived.
    pub at: Instant,
    /// The connection it came by, counted from 0.
    pub connection: usize,
}

/// Everything that was received.
#[derive(Debug, Default)]
pub struct Records {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    calls: Vec<ReceivedCall>,
    /// How many calls were there before these and are forgotten.
    forgotten: usize,
    /// By connection and stream.
    open: HashMap<(usize, u32), OpenCall>,
    connections: Vec<ReceivedConnection>,
    health_checks: Vec<HealthCheck>,
}

/// A call without an end.
#[derive(Debug)]
struct OpenCall {
    /// Its index among all calls, forgotten ones included.
    place: usize,
    /// The code of its answer, once that is decided.
    code: Option<u32>,
}

impl Records {
    /// All calls since they were last forgotten, in the order of their arrival.
    pub fn calls(&self) -> Vec<ReceivedCall> {
        self.lock().calls.clone()
    }

    /// All connections, in the order of their opening.
    pub fn connections(&self) -> Vec<ReceivedConnection> {
        self.lock().connections.clone()
    }

    /// All calls of the health service.
    pub fn health_checks(&self) -> Vec<HealthCheck> {
        self.lock().health_checks.clone()
    }

    /// Forgets the calls, the open ones too.
    pub fn forget_calls(&self) {
        let mut inner = self.lock();
        inner.forgotten += inner.calls.len();
        inner.calls.clear();
        inner.open.clear();
    }

    /// A connection was accepted; its number.
    pub fn opened(&self) -> usize {
        let mut inner = self.lock();
        inner.connections.push(ReceivedConnection {
            opened: Instant::now(),
            closed: None,
            closed_by_client: None,
            pings: Vec::new(),
            goaways: Vec::new(),
        });
        inner.connections.len() - 1
    }

    /// The client closed a connection, and with it abandoned what was open there.
    pub fn closed_by_client(&self, connection: usize) {
        let (mut inner, now) = (self.lock(), Instant::now());
        inner.connections[connection]
            .closed_by_client
            .get_or_insert(now);
        inner.end_all(connection, 0, Ending::AbandonedByClient(now));
    }

    /// A connection is over; what was still open there was cut off.
    pub fn closed(&self, connection: usize) {
        let (mut inner, now) = (self.lock(), Instant::now());
        inner.connections[connection].closed = Some(now);
        inner.end_all(connection, 0, Ending::CutOff(now));
    }

    /// The client sent a PING.
    pub fn pinged(&self, connection: usize) {
        let mut inner = self.lock();
        inner.connections[connection].pings.push(Instant::now());
    }

    /// The client sent a GOAWAY.
    pub fn went_away(&self, connection: usize) {
        let mut inner = self.lock();
        inner.connections[connection].goaways.push(Instant::now());
    }

    /// A call of the health service has arrived.
    pub fn checked(&self, check: HealthCheck) {
        self.lock().health_checks.push(check);
    }

    /// A call has arrived.
    pub fn received(&self, call: ReceivedCall) {
        let mut inner = self.lock();
        let place = inner.forgotten + inner.calls.len();
        let connection = &inner.connections[call.connection];
        // The client may have gone while its call was on the way through here.
        let gone = connection.closed_by_client.map(Ending::AbandonedByClient);
        let gone = gone.or(connection.closed.map(Ending::CutOff));
        let key = (call.connection, call.stream);
        inner.calls.push(call);
        inner.open.insert(key, OpenCall { place, code: None });
        if let Some(ending) = gone {
            inner.end(key, ending);
        }
    }

    /// Records the code of the answer that is about to be sent.
    pub fn answering(&self, connection: usize, stream: u32, code: Option<u32>) {
        if let Some(open) = self.lock().open.get_mut(&(connection, stream)) {
            open.code = code;
        }
    }

    /// The last byte of an answer has left.
    pub fn answered(&self, connection: usize, stream: u32) {
        let (mut inner, key) = (self.lock(), (connection, stream));
        let code = inner.open.get(&key).and_then(|it| it.code);
        let at = Instant::now();
        inner.end(key, Ending::Answered { code, at });
    }

    /// A call was given up by its client.
    pub fn abandoned(&self, connection: usize, stream: u32) {
        let ending = Ending::AbandonedByClient(Instant::now());
        self.lock().end((connection, stream), ending);
    }

    /// A call was given up by the double.
    pub fn cut_off(&self, connection: usize, stream: u32) {
        let ending = Ending::CutOff(Instant::now());
        self.lock().end((connection, stream), ending);
    }

    /// The calls of later streams than `last` were given up by the double.
    pub fn cut_off_after(&self, connection: usize, last: u32) {
        let ending = Ending::CutOff(Instant::now());
        self.lock().end_all(connection, last + 1, ending);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// A call ends once; later ends are none.
    fn end(&mut self, key: (usize, u32), ending: Ending) {
        if let Some(open) = self.open.remove(&key) {
            self.calls[open.place - self.forgotten].ending = ending;
        }
    }

    /// The open calls of a connection end, those of streams from `first`.
    fn end_all(&mut self, connection: usize, first: u32, ending: Ending) {
        let keys = self.open.keys().copied();
        let keys: Vec<_> = keys
            .filter(|(of, stream)| *of == connection && *stream >= first)
            .collect();
        for key in keys {
            self.end(key, ending);
        }
    }
}
