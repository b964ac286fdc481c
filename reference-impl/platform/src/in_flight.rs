//! The requests in flight, counted, so that the end of the program can wait for them and for nothing else.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Frame, SizeHint};
use tokio_util::task::TaskTracker;

/// Middleware: a request is in flight until all of its answer is on its way.
pub async fn track(State(requests): State<TaskTracker>, request: Request, next: Next) -> Response {
    let in_flight = requests.token();
    hold(next.run(request).await, in_flight)
}

/// Keeps `token` until the answer is on its way, or is given up.
pub fn hold(response: Response, token: impl Send + Unpin + 'static) -> Response {
    response.map(|body| {
        Body::new(Held {
            body,
            _token: token,
        })
    })
}

/// A body that keeps something until it is dropped.
struct Held<T> {
    body: Body,
    _token: T,
}

impl<T: Unpin> HttpBody for Held<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
