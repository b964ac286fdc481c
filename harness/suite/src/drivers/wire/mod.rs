//! One HTTP/2 connection below any gRPC library: no deadline of its own, no second try, no new
//! connection; whatever the server does to it is seen.
//!
//! - [`frames`]: frames within a stream of bytes
//! - [`tap`]: the bytes of either end on their way, looked at or held back
//! - [`sight`]: what a client saw of its connection

pub mod frames;
pub mod sight;
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

use self::sight::Sight;
use self::tap::Tap;

/// When a call without an answer is given up.
const GIVE_UP: Duration = Duration::from_secs(30);

/// How a call ended.
#[derive(Clone, Debug)]
pub enum End {
    /// With a status of the server.
    Status(Status),
    /// The server reset the stream, or the connection with it.
    Reset(String),
    /// Not at all.
    Never,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => f.write_str(&crate::drivers::users::shown(status)),
            Self::Reset(why) => write!(f, "a reset stream: {why}"),
            Self::Never => f.write_str("no end"),
        }
    }
}

/// A call that is over.
#[derive(Clone, Debug)]
pub struct Ended {
    /// `CreateUser`.
    pub method: String,
    /// How.
    pub end: End,
    /// From sending to the end.
    pub took: Duration,
}

impl Ended {
    /// The code, if it ended with a status.
    pub fn code(&self) -> Option<Code> {
        match &self.end {
            End::Status(status) => Some(status.code()),
            End::Reset(_) | End::Never => None,
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, end, took } = self;
        write!(f, "{method}: {end} after {} ms", took.as_millis())
    }
}

/// A message as it stands on the wire: not compressed, with its length.
pub fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    Bytes::from([&[0], &length.to_be_bytes()[..], message].concat())
}

/// A connection. Dropping it closes it.
pub struct Wire {
    send: SendRequest<Bytes>,
    pings: PingPong,
    sight: Sight,
    journal: Journal,
    driver: tokio::task::AbortHandle,
    opened: Instant,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

impl Wire {
    /// A connection to a port of this machine.
    pub async fn connect(port: u16, journal: &Journal) -> StepResult<Self> {
        let stream = super::raw::connect(port).await?;
        stream.set_nodelay(true).map_err(Failure::broken)?;
        let opened = Instant::now();
        let sight = Sight::new(journal.clone());
        let (send, mut connection) = h2::client::handshake(Tap::of_client(stream, sight.clone()))
            .await
            .map_err(|error| Failure::mismatch("an HTTP/2 connection", error))?;
        let pings = connection
            .ping_pong()
            .ok_or_else(|| Failure::broken("h2 gives no pings"))?;
        let driver = tokio::spawn(async move { drop(connection.await) }).abort_handle();
        Ok(Self {
            send,
            pings,
            sight,
            journal: journal.clone(),
            driver,
            opened,
        })
    }

    /// When it was opened.
    pub fn opened(&self) -> Instant {
        self.opened
    }

    /// What the server has done to it so far.
    pub fn sight(&self) -> &Sight {
        &self.sight
    }

    /// Sends a PING and waits for its answer; how it failed, if it did.
    pub async fn ping(&mut self) -> Result<(), String> {
        self.journal.note("PING");
        match tokio::time::timeout(GIVE_UP, self.pings.ping(Ping::opaque())).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("a PING without an answer".to_owned()),
        }
    }

    /// A call whose answers come one by one; the second says when there is a first.
    pub fn stream(
        &self,
        path: &str,
        body: Bytes,
    ) -> (
        impl Future<Output = Ended> + Send + use<>,
        oneshot::Receiver<()>,
    ) {
        let (tell, begun) = oneshot::channel();
        (self.exchange(path, body, None, None, Some(tell)), begun)
    }

    /// Makes a call; `body` goes out as it is. It runs whether or not it is awaited.
    pub fn call(
        &self,
        path: &str,
        body: Bytes,
        timeout: Option<&str>,
    ) -> impl Future<Output = Ended> + Send + use<> {
        self.exchange(path, body, timeout, Some(GIVE_UP), None)
    }

    fn exchange(
        &self,
        path: &str,
        body: Bytes,
        timeout: Option<&str>,
        limit: Option<Duration>,
        begun: Option<oneshot::Sender<()>>,
    ) -> impl Future<Output = Ended> + Send + use<> {
        let method = path.rsplit('/').next().unwrap_or_default().to_owned();
        let (send, journal) = (self.send.clone(), self.journal.clone());
        let mut request = Request::post(format!("http://localhost{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        if let Some(timeout) = timeout {
            request = request.header("grpc-timeout", timeout);
        }
        async move {
            let start = Instant::now();
            let limit = limit.unwrap_or(Duration::MAX);
            let end = match request.body(()) {
                Ok(request) => tokio::time::timeout(limit, exchange(send, request, body, begun))
                    .await
                    .unwrap_or(Ok(End::Never)),
                Err(error) => Ok(End::Reset(format!("the suite: {error}"))),
            };
            let ended = Ended {
                method,
                end: end.unwrap_or_else(|error| End::Reset(error.to_string())),
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
    begun: Option<oneshot::Sender<()>>,
) -> Result<End, h2::Error> {
    let mut send = send.ready().await?;
    let (response, mut stream) = send.send_request(request, false)?;
    // A server may refuse a request before it has all of it, and then resets the stream without an
    // error (RFC 9113, section 8.1): the rest cannot be sent, and what it answered counts.
    let _ = stream.send_data(body, true);
    let (head, body) = response.await?.into_parts();
    if let Some(status) = Status::from_header_map(&head.headers) {
        return Ok(End::Status(status));
    }
    if let Some(code) = code_of_http(head.status) {
        let status = Status::new(code, format!("HTTP status {}", head.status.as_u16()));
        return Ok(End::Status(status));
    }
    let trailers = rest(body, begun).await?;
    let status = trailers.as_ref().and_then(Status::from_header_map);
    Ok(status.map_or_else(
        || End::Reset("an answer without a status".to_owned()),
        End::Status,
    ))
}

/// What an answer without a status of gRPC is to every client library, by gRPC's own table; none for 200.
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
    mut begun: Option<oneshot::Sender<()>>,
) -> Result<Option<HeaderMap>, h2::Error> {
    while let Some(data) = body.data().await {
        if let Some(begun) = begun.take() {
            // Nobody may want to know.
            let _ = begun.send(());
        }
        let length = data?.len();
        body.flow_control().release_capacity(length)?;
    }
    body.trailers().await
}
