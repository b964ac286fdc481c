//! Takes a request of the API in: its body as a whole, its deadline, or a refusal at the end of the program.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts as Head;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use platform::in_flight;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::problem::Problem;
use crate::request_ids::RequestId;
use crate::user_service::Call;

/// How much of a body that is too long is read and dropped, so that a client which sends all before it
/// reads gets its answer.
const DROPPED_BYTES: usize = 8 * 1024 * 1024;

/// What a request is taken in by.
#[derive(Clone)]
pub struct Intake {
    /// GWY-6
    pub body_bytes: usize,
    /// `REQUEST_TIMEOUT`
    pub request_timeout: Duration,
    /// The requests in flight.
    pub in_flight: TaskTracker,
    /// Cancelled when the program is told to stop.
    pub stopping: CancellationToken,
}

/// What the calls of a request go by; among its extensions.
#[derive(Debug, Clone)]
pub struct Context {
    /// Its method.
    pub method: Method,
    /// What goes with every call.
    pub call: Call,
}

/// Middleware around the API. A request is in flight from the moment that all of it is here: half a request
/// does not hold up the end of the program (CFG-8).
pub async fn take_in(State(intake): State<Intake>, request: Request, next: Next) -> Response {
    let token = intake.in_flight.token();
    if intake.stopping.is_cancelled() {
        return Problem::stopping().into_response();
    }
    // A time that the clock cannot tell is as good as none.
    let deadline = Instant::now()
        .checked_add(intake.request_timeout)
        .unwrap_or_else(|| Instant::now() + Duration::from_hours(24 * 365));
    match intake.whole(request, deadline).await {
        Ok(request) => in_flight::hold(next.run(request).await, token),
        Err(problem) => problem.into_response(),
    }
}

impl Intake {
    /// The request with its whole body and its context.
    async fn whole(&self, request: Request, deadline: Instant) -> Result<Request, Problem> {
        let (mut head, body) = request.into_parts();
        let body = if body.is_end_stream() {
            body
        } else {
            let too_slow = Problem::new(StatusCode::REQUEST_TIMEOUT, "the body takes too long");
            let bytes = tokio::select! {
                body = timeout_at(deadline, self.body(&head.headers, body)) => {
                    body.unwrap_or(Err(too_slow))?
                }
                () = self.stopping.cancelled() => return Err(Problem::stopping()),
            };
            Body::from(bytes)
        };
        if let Some(RequestId(request_id)) = head.extensions.get().cloned() {
            let method = head.method.clone();
            let call = Call {
                request_id,
                deadline,
            };
            head.extensions.insert(Context { method, call });
        }
        Ok(Request::from_parts(head, body))
    }

    /// All of a body that is not too long.
    async fn body(&self, headers: &HeaderMap, mut body: Body) -> Result<Bytes, Problem> {
        let enough = self.body_bytes.saturating_add(DROPPED_BYTES);
        if announced(headers).is_some_and(|length| length > enough) {
            return Err(too_long());
        }
        let mut whole = BytesMut::new();
        let mut length: usize = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Problem::bad_request("the body is broken"))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            length = length.saturating_add(data.len());
            if length <= self.body_bytes {
                whole.extend_from_slice(&data);
            } else if length > enough {
                break;
            }
        }
        if length > self.body_bytes {
            return Err(too_long());
        }
        Ok(whole.freeze())
    }
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_long() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long")
}

impl<S: Sync> FromRequestParts<S> for Context {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Head, _: &S) -> Result<Self, Problem> {
        let context = head.extensions.get().cloned();
        Ok(context.expect("every route of the API is behind the intake"))
    }
}
