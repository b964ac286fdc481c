//! One HTTP/2 connection to the user service.

use std::time::Duration;

use axum::http::header::USER_AGENT;
use axum::http::{HeaderValue, Request, Response, Uri};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::ServiceExt as _;

use super::response::{self, ResponseBody};
use super::transport_error;

const USER_AGENT_VALUE: HeaderValue =
    HeaderValue::from_static(concat!("gateway/", env!("CARGO_PKG_VERSION")));

/// Bounds the headers of a response; the message of a status is one of them.
const HEADER_BYTES: u32 = 4 * 1024 * 1024;

/// How long connecting may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the acknowledgement of a ping may take (RES-6).
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection. Clones share it; when the last of them is dropped, and with it the last call, it closes.
#[derive(Clone)]
pub struct Connection(SendRequest<Body>);

/// Why a request on a connection has no response.
pub enum SendError {
    /// The request, which was not sent: another connection can send it.
    Unsent(Box<Request<Body>>),
    /// It was, or may have been, sent.
    Failed(Status),
}

impl Connection {
    /// Connects.
    pub async fn open(
        connector: HttpConnector,
        address: Uri,
        keepalive_time: Duration,
    ) -> Result<Self, Status> {
        let connect = async {
            let stream = connector
                .oneshot(address)
                .await
                .map_err(|error| transport_error::transport_error(Code::Unavailable, error))?;
            let (requests, connection) = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_header_list_size(HEADER_BYTES)
                // Adaptive windows would send pings of their own (RES-6).
                .adaptive_window(false)
                .keep_alive_interval(ping_interval(keepalive_time))
                .keep_alive_timeout(KEEPALIVE_TIMEOUT)
                .keep_alive_while_idle(true)
                .handshake(stream)
                .await
                .map_err(transport_error::from_http2)?;
            tokio::spawn(async {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "the connection to the user service failed");
                }
            });
            Ok(Self(requests))
        };
        tokio::time::timeout(CONNECT_TIMEOUT, connect)
            .await
            .unwrap_or_else(|elapsed| {
                Err(transport_error::transport_error(Code::Unavailable, elapsed))
            })
    }

    /// Whether requests can still be sent on it, as far as is known.
    pub fn is_open(&self) -> bool {
        !self.0.is_closed()
    }

    /// Sends a request and waits for the head of its response.
    pub async fn send(
        mut self,
        request: Request<Body>,
    ) -> Result<Response<ResponseBody>, SendError> {
        let response = match self.0.try_send_request(request).await {
            Ok(response) => response,
            Err(mut error) => {
                return Err(match error.take_message() {
                    Some(request) => SendError::Unsent(Box::new(request)),
                    None => SendError::Failed(transport_error::from_http2(error.into_error())),
                });
            }
        };
        response::check(response).map_err(SendError::Failed)
    }
}

/// How long a connection may be silent before it is pinged. A keepalive time of 0 turns pings off, since
/// nothing else would be sent.
fn ping_interval(keepalive_time: Duration) -> Option<Duration> {
    (!keepalive_time.is_zero()).then_some(keepalive_time)
}

/// Sets `User-Agent`.
pub fn with_user_agent(mut request: Request<Body>) -> Request<Body> {
    request.headers_mut().insert(USER_AGENT, USER_AGENT_VALUE);
    request
}
