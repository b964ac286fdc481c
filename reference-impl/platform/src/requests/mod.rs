//! The record of every request, over HTTP and over gRPC, written at its end: its log line (LOG-3), its metrics
//! (MET-2 to MET-5) and its span (TRC-3 to TRC-5).
//!
//! - `status`: how a request ended
//! - `http`, `grpc`: what each protocol reads from a request and from its response
//! - `running`: a request until its end

mod grpc;
mod http;
mod running;
mod status;

use std::borrow::Cow;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use metrics::Label;
use opentelemetry::trace::FutureExt as _;
use tracing::Instrument as _;

pub use self::grpc::{GRPC_FAMILIES, Grpc, span_start};
pub use self::http::{HTTP_FAMILIES, Http, client_closed_request};
use self::running::{RecordedBody, RunningRequest};
pub use self::status::{End, LoggedError, RequestStatus};
use crate::metrics::GaugeGuard;
use crate::request_id::{self, RequestId};
use crate::traces::{KeyValue, OpenSpan};

/// What a protocol reads from a request and from its response.
pub trait Protocol: Clone + Send + Sync + Unpin + 'static {
    /// The family that counts requests.
    const COUNTER: &'static str;
    /// The family of their durations.
    const HISTOGRAM: &'static str;
    /// The message of their log lines.
    const MESSAGE: &'static str;

    /// How a request is recorded; none if it is not.
    fn describe(&self, request: &Request) -> Option<Description>;

    /// The end that the head of the response states; none if it follows in the trailers.
    fn end_in_head(response: &Response) -> Option<End>;

    /// The end that the trailers of the response state.
    fn end_in_trailers(trailers: &HeaderMap) -> Option<End>;

    /// The end of a request whose client went away.
    fn cancelled() -> End;
}

/// How a request is recorded.
pub struct Description {
    /// Its labels; the counter has the status in addition.
    pub labels: Vec<Label>,
    /// Its log line; none for a probe.
    pub line: Option<Line>,
    /// Its span; none for a probe.
    pub span: Option<SpanStart>,
    /// Kept until its end.
    pub in_flight: Option<GaugeGuard>,
}

/// What a span says of a request before its end (TRC-4).
pub struct SpanStart {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its attributes.
    pub attributes: Vec<KeyValue>,
}

/// What a log line says of a request before its end.
pub struct Line {
    /// Its method, as in its metrics.
    pub method: String,
    /// Its path without the query.
    pub path: Option<String>,
}

/// A router whose requests have ids and are recorded.
pub fn recorded<P: Protocol>(router: Router, protocol: P) -> Router {
    router
        .layer(from_fn_with_state(protocol, record::<P>))
        .layer(from_fn(request_id::assign))
}

/// Middleware: records each request when its response has been sent, or its client has gone away.
async fn record<P: Protocol>(State(protocol): State<P>, request: Request, next: Next) -> Response {
    let Some(mut description) = protocol.describe(&request) else {
        return next.run(request).await;
    };
    let request_id = RequestId::of(&request);
    let span = description.span.take();
    let span =
        span.and_then(|span| OpenSpan::server(request.headers(), span.name, span.attributes));
    let context = span.as_ref().map(OpenSpan::context).unwrap_or_default();
    let trace_id = span.as_ref().map(OpenSpan::trace_id);
    // At level ERROR, so that no LOG_LEVEL takes the ids from an error.
    let events = tracing::error_span!("request", request_id = request_id.as_str(), trace_id);
    let mut running = RunningRequest::<P>::begin(description, request_id, span);
    let handled = next.run(request).instrument(events).with_context(context);
    let response = handled.await;
    running.note(P::end_in_head(&response));
    response.map(|body| RecordedBody::wrap(body, running))
}

#[cfg(test)]
mod tests;
