//! What the steps about traces have recorded in one scenario.

use std::time::{Duration, Instant};

use conformance_engine::network::link::Link;
use conformance_engine::observe::collector::{Collector, Subscription};
use conformance_engine::observe::spans::waterfall::waterfall;
use conformance_engine::observe::spans::{TraceContext, TraceId};
use conformance_engine::run::outcome::TraceExcerpt;
use conformance_engine::sandbox::ports::Port;

use crate::drivers::{Code, Status};

/// How many traces a scenario's evidence shows.
const EXCERPTS: usize = 3;

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

impl TracesRecord {
    /// Some of the scenario's traces, for its evidence: those of which spans have arrived.
    pub fn excerpts(&self) -> Vec<TraceExcerpt> {
        let Some(subscription) = &self.subscription else {
            return Vec::new();
        };
        let found = subscription.traces();
        let sent = self.calls.iter().filter_map(|call| call.context);
        let sent = sent.map(|context| context.trace);
        let ids: Vec<TraceId> = sent.filter(|id| found.contains(id)).collect();
        // Without any, the traces that the program began.
        let ids = if ids.is_empty() { found } else { ids };
        let shown = ids.into_iter().take(EXCERPTS);
        shown
            .map(|id| TraceExcerpt {
                id: id.to_string(),
                lines: waterfall(&subscription.trace(id)),
            })
            .collect()
    }
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
