//! StreamUsers: one stream on its own connection, whose messages are read or left unread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::{Journal, elapse};
use conformance_engine::run::scenario::ScenarioContext;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, Streaming};
use user_proto::v1::user_service_client::UserServiceClient;
use user_proto::v1::{ListUsersRequest, User};

use super::users::shown;

/// Time limit of the response headers, far above every limit of the contract.
const GIVE_UP: Duration = Duration::from_secs(30);

/// Flow-control window of a client that does not read: the initial window of HTTP/2.
const NARROW: u32 = 65_535;

/// Flow-control window of a client that reads everything: large, so that a busy machine does not make it a slow
/// consumer.
const WIDE: u32 = 16 << 20;

/// How a subscriber takes its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// At once.
    AtOnce,
    /// Not at all, until [`UserStream::take`].
    Never,
    /// One after each pause, until [`UserStream::take`].
    Every(Duration),
}

/// How soon after its headers a stream ends that is refused in spite of them.
const RIGHT_AFTER: Duration = Duration::from_millis(50);

/// Streams on one connection: the limits of servers and clients are 100 or more.
const ON_ONE_CONNECTION: usize = 50;

/// A message with its time of arrival.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The user's new state.
    pub user: User,
    /// When it was read.
    pub at: Instant,
}

#[derive(Debug, Default)]
struct Seen {
    arrivals: Vec<Arrival>,
    end: Option<Status>,
}

/// An open stream. Dropping it closes its connection.
#[derive(Debug)]
pub struct UserStream {
    seen: Arc<Mutex<Seen>>,
    pace: watch::Sender<Pace>,
    task: JoinHandle<()>,
}

impl Drop for UserStream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl UserStream {
    /// Opens a stream and waits for its headers, at most for `limit`; the error is what came instead.
    pub async fn open(
        url: &str,
        request: ListUsersRequest,
        pace: Pace,
        limit: Duration,
        scenario: &ScenarioContext,
    ) -> StepResult<Result<Self, Status>> {
        let channel = connect(url, if pace == Pace::AtOnce { WIDE } else { NARROW })?;
        let name = format!(
            "StreamUsers :{}",
            url.rsplit(':').next().unwrap_or_default()
        );
        let journal = scenario.journal.clone();
        let begun = Instant::now();
        let opening = start(channel, request, &scenario.id, None);
        let opened = tokio::time::timeout(limit, opening).await;
        let took = begun.elapsed().as_millis();
        let opened = match opened {
            Ok(opened) => opened.map_err(as_reported),
            Err(_) => Err(Status::unknown(format!(
                "the suite gave up: no response headers within {} ms",
                limit.as_millis()
            ))),
        };
        let outcome = opened.as_ref().map_or_else(shown, |_| "is open".to_owned());
        journal.note(format!("{name} {outcome}, {took} ms"));
        Ok(opened.map(|stream| Self::follow(stream, pace, name, journal)))
    }

    fn follow(stream: Streaming<User>, pace: Pace, name: String, journal: Journal) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let (pace, asked) = watch::channel(pace);
        let task = tokio::spawn(take(stream, seen.clone(), asked, name, journal));
        Self { seen, pace, task }
    }

    /// Takes messages at once from now on.
    pub fn take(&self) {
        self.pace.send_replace(Pace::AtOnce);
    }

    /// The messages so far.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.seen().arrivals.clone()
    }

    /// The number of messages so far.
    pub fn count(&self) -> usize {
        self.seen().arrivals.len()
    }

    /// The status that ended it, if it has ended; `OK` for an end without error.
    pub fn end(&self) -> Option<Status> {
        self.seen().end.clone()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(url: &str, window: u32) -> StepResult<Channel> {
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(Failure::broken)?;
    Ok(endpoint
        .initial_connection_window_size(window)
        .initial_stream_window_size(window)
        .connect_lazy())
}

/// The end of a stream as gRPC's clients report it: a connection that broke, or that the server closed, is
/// UNAVAILABLE (STR-5), even if this library reports another code. A stream that the server reset keeps its code, and a
/// connection that never existed does not count as broken.
fn as_reported(status: Status) -> Status {
    let Some(cause) = std::error::Error::source(&status) else {
        return status;
    };
    let words = super::innermost(cause);
    let chain = || std::iter::successors(Some(cause), |error| error.source());
    if chain().any(|it| it.downcast_ref::<tonic::ConnectError>().is_some()) {
        return Status::unknown(format!("no connection: {words}"));
    }
    let is_reset = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<h2::Error>()
            .is_some_and(h2::Error::is_reset)
    };
    if chain().any(is_reset) {
        return status;
    }
    Status::unavailable(format!("the connection broke: {words}"))
}

async fn start(
    channel: Channel,
    message: ListUsersRequest,
    scenario: &str,
    user_id: Option<&str>,
) -> Result<Streaming<User>, Status> {
    let mut request = Request::new(message);
    let metadata = request.metadata_mut();
    for (name, value) in [("x-request-id", Some(scenario)), ("x-user-id", user_id)] {
        if let Some(Ok(value)) = value.map(str::parse) {
            metadata.insert(name, value);
        }
    }
    let stream = UserServiceClient::new(channel)
        .stream_users(request)
        .await?;
    Ok(stream.into_inner())
}

async fn take(
    mut stream: Streaming<User>,
    seen: Arc<Mutex<Seen>>,
    mut pace: watch::Receiver<Pace>,
    name: String,
    journal: Journal,
) {
    let lock = || seen.lock().unwrap_or_else(PoisonError::into_inner);
    let status = loop {
        let now = pace.wait_for(|it| *it != Pace::Never).await.map(|it| *it);
        match now {
            Ok(Pace::Every(pause)) => elapse(pause).await,
            Ok(_) => {}
            Err(_) => return,
        }
        match stream.message().await {
            Ok(Some(user)) => lock().arrivals.push(Arrival {
                user,
                at: Instant::now(),
            }),
            Ok(None) => break Status::new(Code::Ok, ""),
            Err(status) => break as_reported(status),
        }
    };
    journal.note(format!("{name} has ended with {}", shown(&status)));
    lock().end = Some(status);
}

/// Whether StreamUsers is open for each of these callers (CFG-10): the status that refuses it, if one does.
///
/// An `x-user-id` of `None` is not sent. The filter matches no user, so that an open stream delivers nothing.
pub async fn callers(
    url: &str,
    ids: &[Option<String>],
    scenario: &ScenarioContext,
) -> StepResult<Vec<Option<Status>>> {
    let mut answers = Vec::with_capacity(ids.len());
    for some in ids.chunks(ON_ONE_CONNECTION) {
        let channel = connect(url, WIDE)?;
        let calls = some.iter().map(|id| {
            let request = ListUsersRequest {
                filter: format!("name=unmatched-{}", scenario.id),
                ..Default::default()
            };
            refusal(start(channel.clone(), request, &scenario.id, id.as_deref()))
        });
        answers.extend(futures::future::join_all(calls).await);
    }
    let refused = answers.iter().flatten().count();
    let count = answers.len();
    let note = format!("StreamUsers for {count} callers: {refused} refused");
    scenario.journal.note(note);
    Ok(answers)
}

/// The status of a refusal, which comes instead of the headers or right after them.
async fn refusal(opening: impl Future<Output = Result<Streaming<User>, Status>>) -> Option<Status> {
    match tokio::time::timeout(GIVE_UP, opening).await {
        Ok(Ok(mut stream)) => match tokio::time::timeout(RIGHT_AFTER, stream.message()).await {
            Ok(Err(status)) => Some(as_reported(status)),
            Ok(Ok(None)) => Some(Status::new(Code::Ok, "the stream ended at once")),
            Ok(Ok(Some(_))) | Err(_) => None,
        },
        Ok(Err(status)) => Some(as_reported(status)),
        Err(_) => Some(Status::unknown("the suite gave up: no response headers")),
    }
}
