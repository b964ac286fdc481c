//! Admits requests of the API: buffers the body, sets the deadline, refuses new requests during shutdown.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use platform::in_flight;
use platform::request_id::RequestId;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api_error::ApiError;
use crate::clock;
use crate::request_context::RequestContext;

/// The longest request body (GWY-6).
const BODY_BYTES: usize = 1024 * 1024;

/// How much of a longer body is read and discarded, so that a client which sends everything before it
/// reads gets its response.
const DISCARDED_BYTES: usize = 8 * 1024 * 1024;

/// State of the middleware [`admit`].
#[derive(Clone)]
pub struct Admission {
    /// `REQUEST_TIMEOUT`
    pub request_timeout: Duration,
    /// The requests in flight; the shutdown waits for them.
    pub in_flight: TaskTracker,
    /// Cancelled when the shutdown begins.
    pub stopping: CancellationToken,
}

/// Middleware around the API. A request is in flight once all of it has arrived: half a request does not
/// hold up the shutdown (CFG-8).
pub async fn admit(State(admission): State<Admission>, request: Request, next: Next) -> Response {
    // Taken before the check, so that the shutdown sees either the token or no request.
    let token = admission.in_flight.token();
    if admission.stopping.is_cancelled() {
        return ApiError::stopping().into_response();
    }
    match admission.prepare(request).await {
        Ok(request) => in_flight::hold(next.run(request).await, token),
        Err(error) => error.into_response(),
    }
}

impl Admission {
    /// The request with a buffered body and its [`RequestContext`].
    async fn prepare(&self, request: Request) -> Result<Request, ApiError> {
        let deadline = clock::after(Instant::now(), self.request_timeout);
        let RequestId(request_id) = RequestId::of(&request);
        let (mut head, body) = request.into_parts();
        let body = if body.is_end_stream() {
            body
        } else {
            tokio::select! {
                body = timeout_at(deadline, read(body)) => body.unwrap_or_else(|_| Err(too_slow()))?.into(),
                () = self.stopping.cancelled() => return Err(ApiError::stopping()),
            }
        };
        head.extensions.insert(RequestContext {
            method: head.method.clone(),
            request_id,
            deadline,
        });
        Ok(Request::from_parts(head, body))
    }
}

/// All of a body that is not too long.
async fn read(mut body: Body) -> Result<Bytes, ApiError> {
    let mut bytes = BytesMut::new();
    while let Some(data) = next_data(&mut body).await? {
        if bytes.len() + data.len() > BODY_BYTES {
            discard(body).await?;
            return Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is too long",
            ));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

async fn discard(mut body: Body) -> Result<(), ApiError> {
    let mut discarded = 0;
    while discarded < DISCARDED_BYTES
        && let Some(data) = next_data(&mut body).await?
    {
        discarded += data.len();
    }
    Ok(())
}

/// The next piece of a body; empty for trailers.
async fn next_data(body: &mut Body) -> Result<Option<Bytes>, ApiError> {
    let Some(frame) = body.frame().await else {
        return Ok(None);
    };
    let frame = frame.map_err(|_| ApiError::bad_request("the body is broken"))?;
    Ok(Some(frame.into_data().unwrap_or_default()))
}

fn too_slow() -> ApiError {
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "the body takes too long")
}
