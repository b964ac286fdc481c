//! A span that ends with what it stands for.

use std::borrow::Cow;

use axum::http::HeaderMap;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};

use super::exporter::tracer;
use super::headers;

/// An open span. It ends when this is dropped.
pub struct OpenSpan(Context);

impl OpenSpan {
    /// The span of a request that this program serves, below the caller's span in `headers`, if there is one; none
    /// if nothing is traced.
    pub fn server(
        headers: &HeaderMap,
        name: impl Into<Cow<'static, str>>,
        attributes: Vec<KeyValue>,
    ) -> Option<Self> {
        let tracer = tracer()?;
        let caller = headers::extract(headers);
        let span = tracer
            .span_builder(name)
            .with_kind(SpanKind::Server)
            .with_attributes(attributes);
        Some(Self(
            caller.with_span(span.start_with_context(tracer, &caller)),
        ))
    }

    /// The span of a call to another program, below the current span; without one there is none, since what no
    /// request caused is not traced.
    pub fn client(name: impl Into<Cow<'static, str>>, attributes: Vec<KeyValue>) -> Option<Self> {
        let tracer = tracer()?;
        let current = Context::current();
        if !current.has_active_span() {
            return None;
        }
        let span = tracer
            .span_builder(name)
            .with_kind(SpanKind::Client)
            .with_attributes(attributes);
        Some(Self(
            current.with_span(span.start_with_context(tracer, &current)),
        ))
    }

    /// The context in which this is the current span.
    pub fn context(&self) -> Context {
        self.0.clone()
    }

    /// The id of its trace: 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        self.0.span().span_context().trace_id().to_string()
    }

    /// Adds what is known at its end, and whether that is a failure (TRC-5).
    pub fn note_end(&self, attribute: KeyValue, is_failure: bool) {
        let span = self.0.span();
        span.set_attribute(attribute);
        if is_failure {
            span.set_status(Status::error(""));
        }
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        self.0.span().end();
    }
}
