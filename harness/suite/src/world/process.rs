//! What the steps about processes have recorded in one scenario.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::subject::instance::Exit;
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::sync::CancellationToken;
use user_proto::v1::User;

use crate::doubles::fake_health_endpoint::FakeHealthEndpoint;
use crate::drivers::users::{Call, Users};

/// What the steps about processes have recorded.
#[derive(Default)]
pub struct ProcessRecord {
    /// Ports that are held for the scenario.
    pub held: Vec<Arc<PortHolder>>,
    /// How the commands of the newest action ended.
    pub exits: Vec<Exit>,
    /// Everything that the database held before the newest action.
    pub before: Vec<String>,
    /// The fake health endpoint in place of the program.
    pub fake_health_endpoint: Option<FakeHealthEndpoint>,
    /// The request in flight.
    pub in_flight: Option<JoinHandle<Call<User>>>,
    /// The task that holds the request in flight, for a while or until the end.
    pub request_hold: Option<JoinHandle<StepResult>>,
    /// Connections that are open without a request.
    pub idle: Vec<TcpStream>,
    /// Clients whose connections are open and have been used.
    pub used: Vec<Users>,
    /// When the program received the signal to stop.
    pub signalled: Option<Instant>,
    /// The id of the newest request whose line in the log matters.
    pub request_id: Option<String>,
    /// Answers of two local addresses.
    pub addresses: Vec<Result<(), String>>,
    /// Clients that write without pause.
    pub writers: Option<Writers>,
    /// The file with what came to the default ports in the program's own network.
    pub own_network: Option<PathBuf>,
}

impl std::fmt::Debug for ProcessRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessRecord")
            .field("exits", &self.exits)
            .finish_non_exhaustive()
    }
}

impl Drop for ProcessRecord {
    fn drop(&mut self) {
        for task in [
            self.request_hold.take().map(|it| it.abort_handle()),
            self.in_flight.take().map(|it| it.abort_handle()),
        ] {
            task.inspect(tokio::task::AbortHandle::abort);
        }
    }
}

/// A user that a client wrote.
#[derive(Clone, Debug)]
pub struct WrittenUser {
    /// As last acknowledged; `None` once its delete was.
    pub acknowledged: Option<User>,
    pub id: String,
    /// The last change, if it was not answered.
    pub unanswered: Option<WriterChange>,
}

/// A change by a client to its user.
#[derive(Clone, Debug)]
pub enum WriterChange {
    Rename(String),
    Delete,
}

/// Running clients, and what they wrote.
#[derive(Default)]
pub struct Writers {
    pub written: Arc<Mutex<Vec<WrittenUser>>>,
    pub stop: CancellationToken,
    pub tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Writers {
    /// The users that were written so far.
    pub fn users(&self) -> Vec<WrittenUser> {
        self.written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Stops the clients, and waits until each has made its last call; the users that they wrote.
    pub async fn finish(mut self) -> StepResult<Vec<WrittenUser>> {
        self.stop.cancel();
        for task in self.tasks.drain(..) {
            task.await.map_err(Failure::broken)?;
        }
        Ok(self.users())
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Keeps a port taken, by a listener of its own or of another process; dropping it releases the port.
#[derive(Debug)]
pub struct PortHolder {
    pub task: AbortHandle,
}

impl Drop for PortHolder {
    fn drop(&mut self) {
        self.task.abort();
    }
}
