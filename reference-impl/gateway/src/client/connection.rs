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

use super::answer::{self, Answer};
use super::faults;

const AGENT: HeaderValue = HeaderValue::from_static(concat!("gateway/", env!("CARGO_PKG_VERSION")));

/// How long a message of a status may be, more or less.
const HEADER_BYTES: u32 = 4 * 1024 * 1024;

/// The decisions about connections. [`ConnectionRules::default`] is the contract.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionRules {
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a connection may be silent before it is pinged, given `USER_SERVICE_KEEPALIVE_TIME`;
    /// none is never pinged (RES-6).
    pub keepalive_time: fn(Duration) -> Option<Duration>,
    /// How long the answer to a ping may take (RES-6).
    pub keepalive_timeout: Duration,
}

impl Default for ConnectionRules {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            // Without a pause there would be nothing but pings.
            keepalive_time: |time| (!time.is_zero()).then_some(time),
            keepalive_timeout: Duration::from_secs(10),
        }
    }
}

/// A connection. Clones share it; when the last of them is dropped, and with it the last call, it closes.
#[derive(Clone)]
pub struct Connection(SendRequest<Body>);

/// Why a call on a connection has no answer.
pub enum Refused {
    /// It was not sent: here it is, for another connection.
    Unsent(Box<Request<Body>>),
    /// It was, or may have been.
    Failed(Status),
}

impl Connection {
    /// Connects, in the time that the rules give for it.
    pub async fn open(
        connector: HttpConnector,
        address: Uri,
        keepalive_time: Duration,
        rules: ConnectionRules,
    ) -> Result<Self, Status> {
        let connect = async {
            let stream = connector
                .oneshot(address)
                .await
                .map_err(|error| faults::of_connection(Code::Unavailable, error))?;
            let (requests, connection) = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_header_list_size(HEADER_BYTES)
                // Windows that adapt themselves would send pings of their own (RES-6).
                .adaptive_window(false)
                .keep_alive_interval((rules.keepalive_time)(keepalive_time))
                .keep_alive_timeout(rules.keepalive_timeout)
                .keep_alive_while_idle(true)
                .handshake(stream)
                .await
                .map_err(faults::of_http2)?;
            tokio::spawn(async {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "the connection to the user service failed");
                }
            });
            Ok(Self(requests))
        };
        tokio::time::timeout(rules.connect_timeout, connect)
            .await
            .unwrap_or_else(|elapsed| Err(faults::of_connection(Code::Unavailable, elapsed)))
    }

    /// Whether calls can be sent on it, as far as is known.
    pub fn is_open(&self) -> bool {
        !self.0.is_closed()
    }

    /// Sends a request and waits for the head of its answer.
    pub async fn send(mut self, request: Request<Body>) -> Result<Response<Answer>, Refused> {
        let response = match self.0.try_send_request(request).await {
            Ok(response) => response,
            Err(mut refused) => {
                return Err(match refused.take_message() {
                    Some(request) => Refused::Unsent(Box::new(request)),
                    None => Refused::Failed(faults::of_http2(refused.into_error())),
                });
            }
        };
        answer::check(response).map_err(Refused::Failed)
    }
}

/// The status of a call that found no connection to be sent on.
pub fn lost() -> Status {
    faults::of_connection(
        Code::Unavailable,
        std::io::Error::from(std::io::ErrorKind::ConnectionReset),
    )
}

/// A request that says who sends it.
pub fn with_agent(mut request: Request<Body>) -> Request<Body> {
    request.headers_mut().insert(USER_AGENT, AGENT);
    request
}
