//! One HTTP/2 connection to the user service.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::header::USER_AGENT;
use axum::http::{HeaderValue, Request, Response, Uri};
use futures::future::BoxFuture;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::rt::Executor;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioTimer;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Service, ServiceExt as _};

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
    /// Whether a connection that is found to be silent is replaced before a ping finds out (RES-5).
    pub replace_silent: bool,
}

impl Default for ConnectionRules {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            // Without a pause there would be nothing but pings.
            keepalive_time: |time| (!time.is_zero()).then_some(time),
            keepalive_timeout: Duration::from_secs(10),
            replace_silent: true,
        }
    }
}

/// A connection. Clones share it; when the last of them is dropped, and with it the last call, it closes.
#[derive(Clone)]
pub struct Connection {
    requests: SendRequest<Body>,
    life: Arc<Life>,
}

struct Life {
    opened: Instant,
    /// When the last answer began, in microseconds from `opened`.
    answered: AtomicU64,
    /// Cancelled when it is given up.
    given_up: CancellationToken,
}

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
            let given_up = CancellationToken::new();
            let (requests, connection) = http2::Builder::new(Until(given_up.clone()))
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
            tokio::spawn(given_up.clone().run_until_cancelled_owned(async {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "the connection to the user service failed");
                }
            }));
            Ok(Self {
                requests,
                life: Arc::new(Life {
                    opened: Instant::now(),
                    answered: AtomicU64::new(0),
                    given_up,
                }),
            })
        };
        tokio::time::timeout(rules.connect_timeout, connect)
            .await
            .unwrap_or_else(|elapsed| Err(faults::of_connection(Code::Unavailable, elapsed)))
    }

    /// Whether calls can be sent on it, as far as is known.
    pub fn is_open(&self) -> bool {
        !self.requests.is_closed()
    }

    /// Whether it was there at this time and nothing was answered on it since.
    pub fn is_silent_since(&self, time: Instant) -> bool {
        let answered = Duration::from_micros(self.life.answered.load(Ordering::Relaxed));
        self.life.opened + answered <= time
    }

    /// Ends it, and every call on it with UNAVAILABLE.
    pub fn give_up(&self) {
        self.life.given_up.cancel();
    }

    /// Sends a request and waits for the head of its answer.
    pub async fn send(mut self, request: Request<Body>) -> Result<Response<Answer>, Refused> {
        let response = match self.requests.try_send_request(request).await {
            Ok(response) => response,
            Err(mut refused) => {
                return Err(match refused.take_message() {
                    Some(request) => Refused::Unsent(Box::new(request)),
                    None => Refused::Failed(faults::of_http2(refused.into_error())),
                });
            }
        };
        let elapsed = self.life.opened.elapsed().as_micros();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        self.life.answered.fetch_max(elapsed, Ordering::Relaxed);
        answer::check(response).map_err(Refused::Failed)
    }
}

impl Service<Request<Body>> for Connection {
    type Response = Response<Answer>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Answer>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let connection = self.clone();
        Box::pin(async move {
            connection
                .send(with_agent(request))
                .await
                .map_err(|refused| match refused {
                    Refused::Unsent(_) => lost(),
                    Refused::Failed(status) => status,
                })
        })
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

/// Runs the tasks of a connection until it is given up.
#[derive(Clone)]
struct Until(CancellationToken);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Until {
    fn execute(&self, task: F) {
        tokio::spawn(self.0.clone().run_until_cancelled_owned(task));
    }
}
