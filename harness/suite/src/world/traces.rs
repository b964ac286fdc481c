//! What the steps about traces have recorded in one scenario.

use std::time::{Duration, Instant};

use conformance_engine::network::link::Link;
use conformance_engine::observe::collector::{Collector, Subscription};
use conformance_engine::observe::spans::TraceContext;
use conformance_engine::sandbox::ports::Port;

use crate::drivers::{Code, Status};

/// What the steps about traces have recorded.
#[derive(Debug, Default)]
pub struct TracesRecord {
    /// The spans of the scenario's traces.
    pub subscription: Option<Subscription>,
    /// A collector of the scenario's own.
    pub collector: Option<OwnCollector>,
    /// All calls whose traces matter.
    pub calls: Vec<TracedCall>,
    /// Headers that were sent with a `traceparent`.
    pub headers: Vec<(&'static str, String)>,
}

/// A collector of the scenario's own, and the link in front of it.
#[derive(Debug)]
pub struct OwnCollector {
    /// The collector.
    pub collector: Collector,
    /// What the program connects to.
    pub link: Link,
    /// A port on which no program listens, where the link leads if it drops every connection.
    _closed: Port,
}

impl OwnCollector {
    /// A collector with its link, and the port that is kept closed as long as they exist.
    pub fn new(collector: Collector, link: Link, closed: Port) -> Self {
        Self {
            collector,
            link,
            _closed: closed,
        }
    }
}

/// A call and the trace that it belongs to.
#[derive(Clone, Debug)]
pub struct TracedCall {
    /// The gRPC method, also of a call over HTTP: `GetUser`.
    pub method: &'static str,
    /// The context that was sent; none if it was invalid or there was none.
    pub context: Option<TraceContext>,
    /// `traceparent` as it was sent.
    pub traceparent: Option<String>,
    /// How the call failed, if it did.
    pub failed: Option<Status>,
    /// From sending to the answer.
    pub took: Duration,
    /// When it was answered.
    pub ended: Instant,
}

impl TracedCall {
    /// The code that it ended with.
    pub fn code(&self) -> Code {
        self.failed.as_ref().map_or(Code::Ok, Status::code)
    }
}
