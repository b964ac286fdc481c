//! A request until its end.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use metrics::{Label, counter, histogram};
use tracing::Level;

use super::{Description, End, LoggedError, Protocol};
use crate::elapsed::milliseconds;
use crate::request_id::RequestId;
use crate::traces::OpenSpan;

/// A running request. It is recorded when this is dropped: without an end its client cancelled it.
pub(super) struct RunningRequest<P: Protocol> {
    description: Description,
    request_id: RequestId,
    span: Option<OpenSpan>,
    start: Instant,
    end: Option<End>,
    protocol: PhantomData<P>,
}

impl<P: Protocol> RunningRequest<P> {
    pub(super) fn begin(
        description: Description,
        request_id: RequestId,
        span: Option<OpenSpan>,
    ) -> Self {
        Self {
            description,
            request_id,
            span,
            start: Instant::now(),
            end: None,
            protocol: PhantomData,
        }
    }

    /// Takes the end, if it is known. The first one counts.
    pub(super) fn note(&mut self, end: Option<End>) {
        self.end = self.end.take().or(end);
    }

    fn count(&mut self, end: &End) {
        let mut labels = std::mem::take(&mut self.description.labels);
        histogram!(P::HISTOGRAM, labels.clone()).record(self.start.elapsed());
        labels.push(Label::new("status", end.status.label()));
        counter!(P::COUNTER, labels).increment(1);
    }

    fn log(&self, end: &End) {
        let Some(line) = &self.description.line else {
            return;
        };
        let error = end.error.as_ref();
        macro_rules! log {
            ($level:expr) => {
                tracing::event!(
                    $level,
                    request_id = self.request_id.as_str(),
                    trace_id = self.span.as_ref().map(OpenSpan::trace_id),
                    method = line.method,
                    path = line.path,
                    status = end.status.field(),
                    duration_ms = milliseconds(self.start.elapsed()),
                    error = error.map(|error| &*error.message),
                    cause = error.and_then(LoggedError::cause),
                    "{}",
                    P::MESSAGE
                )
            };
        }
        // The level of an event is a constant.
        match end.status.level() {
            Level::ERROR => log!(Level::ERROR),
            Level::WARN => log!(Level::WARN),
            _ => log!(Level::INFO),
        }
    }
}

impl<P: Protocol> Drop for RunningRequest<P> {
    fn drop(&mut self) {
        let end = self.end.take().unwrap_or_else(P::cancelled);
        self.count(&end);
        self.log(&end);
        if let Some(span) = &self.span {
            span.note_end(end.status.attribute(), end.status.is_failure());
        }
    }
}

/// The body of a response, with the request that it ends.
pub(super) struct RecordedBody<P: Protocol> {
    body: Body,
    running: RunningRequest<P>,
}

impl<P: Protocol> RecordedBody<P> {
    pub(super) fn wrap(body: Body, running: RunningRequest<P>) -> Body {
        Body::new(Self { body, running })
    }
}

impl<P: Protocol> HttpBody for RecordedBody<P> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(trailers) = frame.trailers_ref()
        {
            self.running.note(P::end_in_trailers(trailers));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
