//! `grpc.health.v1` of one instance (GRP-1).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::Journal;
use conformance_engine::sandbox::exhaustion;
use tokio::task::AbortHandle;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// Time limit of a call.
const GIVE_UP: Duration = Duration::from_secs(30);

/// The name of a status in the health protocol.
pub fn word(status: i32) -> &'static str {
    ServingStatus::try_from(status).map_or("an unknown status", |it| it.as_str_name())
}

/// A client on its own connection.
#[derive(Clone, Debug)]
pub struct HealthService {
    client: HealthClient<Channel>,
    journal: Journal,
}

impl HealthService {
    /// A connection to `url`, opened at the first call.
    pub fn connect(url: &str, journal: &Journal) -> StepResult<Self> {
        let endpoint = Endpoint::from_shared(url.to_owned()).map_err(Failure::broken)?;
        Ok(Self {
            client: HealthClient::new(endpoint.connect_lazy()),
            journal: journal.clone(),
        })
    }

    /// Check of one service; the name of its status: `SERVING`.
    pub async fn check(&self, service: &str) -> Result<&'static str, Status> {
        let mut client = self.client.clone();
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = tokio::time::timeout(GIVE_UP, client.check(request)).await;
        let answer =
            answer.unwrap_or_else(|_| Err(Status::unknown("the suite gave up: no answer")));
        let answer = answer.inspect_err(|status| exhaustion::record(status));
        let answer = answer.map(|it| word(it.into_inner().status));
        self.journal
            .note(format!("health Check {service:?} {answer:?}"));
        answer
    }

    /// Watches one service from now on.
    pub fn watch(&self, service: &str) -> Watch {
        let seen = Seen::default();
        let watching = watch(
            self.client.clone(),
            service.to_owned(),
            seen.clone(),
            self.journal.clone(),
        );
        let task = tokio::spawn(watching).abort_handle();
        Watch { seen, task }
    }
}

/// The reports of a watch so far.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Vec<(Instant, Report)>>>);

/// One report of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A status by its name.
    Is(&'static str),
    /// The stream has ended: how.
    Ended(String),
}

/// An open watch; dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    seen: Seen,
    task: AbortHandle,
}

impl Watch {
    /// Every report so far, in order, with its time.
    pub fn reports(&self) -> Vec<(Instant, Report)> {
        self.seen
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn watch(mut client: HealthClient<Channel>, service: String, seen: Seen, journal: Journal) {
    let record = |report: Report| {
        journal.note(format!("health Watch: {report:?}"));
        let mut seen = seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push((Instant::now(), report));
    };
    let mut stream = match client.watch(HealthCheckRequest { service }).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return record(Report::Ended(crate::drivers::users::shown(&status))),
    };
    loop {
        match stream.message().await {
            Ok(Some(answer)) => record(Report::Is(word(answer.status))),
            Ok(None) => return record(Report::Ended("OK".to_owned())),
            Err(status) => return record(Report::Ended(crate::drivers::users::shown(&status))),
        }
    }
}
