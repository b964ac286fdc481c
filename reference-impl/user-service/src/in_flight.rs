//! The calls in flight, counted, so that the end of the program can wait for them and for nothing else.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt as _;
use tokio_util::task::TaskTracker;

/// Middleware around gRPC: a call is in flight until all of its answer is on its way.
pub async fn track_call(
    State(calls): State<TaskTracker>,
    request: Request,
    next: Next,
) -> Response {
    let in_flight = calls.token();
    hold(next.run(request).await, in_flight)
}

/// Keeps `token` until the answer is on its way, or nobody wants it any more.
pub fn hold(response: Response, token: impl Send + 'static) -> Response {
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            // Moved into the body, and dropped with it.
            let _ = &token;
            frame
        }))
    })
}
