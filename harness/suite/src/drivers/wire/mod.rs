//! One HTTP/2 connection below any gRPC library: no own deadline, no retry, no
//! reconnect; every action of the server on it is recorded.
//!
//! - [`frames`]: frames within a stream of bytes
//! - [`tap`]: observes the bytes of one end, or holds them back
//! - [`connection_log`]: what the server did to a connection

pub mod connection_log;
pub mod frames;
pub mod tap;

use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::Journal;
use h2::client::SendRequest;
use h2::{Ping, PingPong, RecvStream};
use http::{HeaderMap, Request, StatusCode};
use tokio::sync::oneshot;
use tonic::{Code, Status};

use self::connection_log::ConnectionLog;
use self::tap::Tap;

/// When a call without an answer is given up.
const GIVE_UP: Duration = Duration::from_secs(30);

/// How a call ended.
#[derive(Clone, Debug)]
pub enum CallEnd {
    /// With a status of the server.
    Status(Status),
    /// The server reset the stream, or the connection with it.
    Reset(String),
    /// No end within the time limit.
    Never,
}

impl fmt::Display for CallEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => f.write_str(&crate::drivers::users::shown(status)),
            Self::Reset(why) => write!(f, "a reset stream: {why}"),
            Self::Never => f.write_str("no end"),
        }
    }
}

/// A completed call.
#[derive(Clone, Debug)]
pub struct CompletedCall {
    /// `CreateUser`.
    pub method: String,
    /// How it ended.
    pub end: CallEnd,
    /// From sending to the end.
    pub took: Duration,
}

impl CompletedCall {
    /// The status code, if it ended with a status.
    pub fn code(&self) -> Option<Code> {
        match &self.end {
            CallEnd::Status(status) => Some(status.code()),
            CallEnd::Reset(_) | CallEnd::Never => None,
        }
    }
}

impl fmt::Display for CompletedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, end, took } = self;
        write!(f, "{method}: {end} after {} ms", took.as_millis())
    }
}

/// A message as gRPC frames it: not compressed, with its length.
pub fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    Bytes::from([&[0], &length.to_be_bytes()[..], message].concat())
}

/// A connection. Dropping it closes it.
pub struct Wire {
    send: SendRequest<Bytes>,
    pings: PingPong,
    log: ConnectionLog,
    journal: Journal,
    driver: tokio::task::AbortHandle,
    opened: Instant,
    /// Sent with every call; a server makes an id for a call without metadata.
    metadata: Vec<(&'static str, String)>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

impl Wire {
    /// A connection to a port of this machine.
    pub async fn connect(port: u16, journal: &Journal) -> StepResult<Self> {
        // Before the server sees it: no time that the server keeps may seem shorter.
        let opened = Instant::now();
        let stream = super::raw::connect(port).await?;
        stream.set_nodelay(true).map_err(Failure::broken)?;
        let log = ConnectionLog::new(journal.clone());
        let (send, mut connection) = h2::client::handshake(Tap::of_client(stream, log.clone()))
            .await
            .map_err(|error| Failure::mismatch("an HTTP/2 connection", error))?;
        let pings = connection
            .ping_pong()
            .ok_or_else(|| Failure::broken("h2 gives no pings"))?;
        let driver = tokio::spawn(async move { drop(connection.await) }).abort_handle();
        Ok(Self {
            send,
            pings,
            log,
            journal: journal.clone(),
            driver,
            opened,
            metadata: Vec::new(),
        })
    }

    /// Sends this metadata with every later call; a value of an earlier call is replaced.
    pub fn set_metadata(&mut self, name: &'static str, value: &str) {
        self.metadata.retain(|(other, _)| *other != name);
        self.metadata.push((name, value.to_owned()));
    }

    /// When it was opened.
    pub fn opened(&self) -> Instant {
        self.opened
    }

    /// The actions of the server so far.
    pub fn log(&self) -> &ConnectionLog {
        &self.log
    }

    /// Sends a PING and waits for its acknowledgement; the error says what happened instead.
    pub async fn ping(&mut self) -> Result<(), String> {
        self.journal.note("PING");
        match tokio::time::timeout(GIVE_UP, self.pings.ping(Ping::opaque())).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("a PING without an answer".to_owned()),
        }
    }

    /// A call with a stream of answers; the receiver resolves at the first of them.
    pub fn stream(
        &self,
        path: &str,
        body: Bytes,
    ) -> (
        impl Future<Output = CompletedCall> + Send + use<>,
        oneshot::Receiver<()>,
    ) {
        let (notify, first) = oneshot::channel();
        (self.exchange(path, body, None, None, Some(notify)), first)
    }

    /// Makes a call with `body` as the request body, unchanged.
    pub fn call(
        &self,
        path: &str,
        body: Bytes,
        timeout: Option<&str>,
    ) -> impl Future<Output = CompletedCall> + Send + use<> {
        self.exchange(path, body, timeout, Some(GIVE_UP), None)
    }

    fn exchange(
        &self,
        path: &str,
        body: Bytes,
        timeout: Option<&str>,
        limit: Option<Duration>,
        first: Option<oneshot::Sender<()>>,
    ) -> impl Future<Output = CompletedCall> + Send + use<> {
        let method = path.rsplit('/').next().unwrap_or_default().to_owned();
        let (send, journal) = (self.send.clone(), self.journal.clone());
        let mut request = Request::post(format!("http://localhost{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        if let Some(timeout) = timeout {
            request = request.header("grpc-timeout", timeout);
        }
        for (name, value) in &self.metadata {
            request = request.header(*name, value);
        }
        async move {
            let start = Instant::now();
            let limit = limit.unwrap_or(Duration::MAX);
            let end = match request.body(()) {
                Ok(request) => tokio::time::timeout(limit, exchange(send, request, body, first))
                    .await
                    .unwrap_or(Ok(CallEnd::Never)),
                Err(error) => Ok(CallEnd::Reset(format!("the suite: {error}"))),
            };
            let ended = CompletedCall {
                method,
                end: end.unwrap_or_else(|error| CallEnd::Reset(error.to_string())),
                took: start.elapsed(),
            };
            journal.note(ended.to_string());
            ended
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

async fn exchange(
    send: SendRequest<Bytes>,
    request: Request<()>,
    body: Bytes,
    first: Option<oneshot::Sender<()>>,
) -> Result<CallEnd, h2::Error> {
    let mut send = send.ready().await?;
    let (response, mut stream) = send.send_request(request, false)?;
    // A server may refuse a request before it has received all of it, and then resets the stream without
    // an error (RFC 9113, section 8.1): the rest cannot be sent, and the answer counts.
    let _ = stream.send_data(body, true);
    let (head, body) = response.await?.into_parts();
    if let Some(status) = Status::from_header_map(&head.headers) {
        return Ok(CallEnd::Status(status));
    }
    if let Some(code) = code_of_http(head.status) {
        let status = Status::new(code, format!("HTTP status {}", head.status.as_u16()));
        return Ok(CallEnd::Status(status));
    }
    let trailers = rest(body, first).await?;
    let status = trailers.as_ref().and_then(Status::from_header_map);
    Ok(status.map_or_else(
        || CallEnd::Reset("an answer without a status".to_owned()),
        CallEnd::Status,
    ))
}

/// The code for an HTTP answer without a gRPC status, by the table of the gRPC specification; none for 200.
fn code_of_http(status: StatusCode) -> Option<Code> {
    Some(match status.as_u16() {
        200 => return None,
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502..=504 => Code::Unavailable,
        _ => Code::Unknown,
    })
}

async fn rest(
    mut body: RecvStream,
    mut first: Option<oneshot::Sender<()>>,
) -> Result<Option<HeaderMap>, h2::Error> {
    while let Some(data) = body.data().await {
        if let Some(first) = first.take() {
            // The receiver may have been dropped.
            let _ = first.send(());
        }
        let length = data?.len();
        body.flow_control().release_capacity(length)?;
    }
    body.trailers().await
}
