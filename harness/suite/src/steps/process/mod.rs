//! The life of a program.
//!
//! - [`starting`]: ports, starts and what stops them
//! - [`stopping`]: signals, and what is in flight at that moment
//! - [`commands`]: `migrate` and `healthcheck`
//! - [`output`]: what a program writes
//! - [`hostile`]: what clients send to get into the log
//! - [`writers`]: clients that write while instances die

pub mod commands;
pub mod hostile;
pub mod output;
pub mod starting;
pub mod stopping;
pub mod writers;

use std::sync::Arc;
use std::time::Instant;

use conformance_engine::failure::StepResult;
use conformance_engine::subject::instance::Exit;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use user_proto::v1::User;

use crate::doubles::stand_in::StandIn;
use crate::drivers::users::{Call, Users};
use crate::world::World;

/// What the process steps of one scenario remember.
#[derive(Default)]
pub struct Notes {
    /// Ports that are held for the scenario.
    held: Vec<Arc<starting::Holder>>,
    /// How the commands of the newest action ended.
    exits: Vec<Exit>,
    /// Everything that the database held before the newest action.
    before: Vec<String>,
    /// What stands in for the program.
    stand_in: Option<StandIn>,
    /// The request that is in flight, and who lets it go.
    in_flight: Option<JoinHandle<Call<User>>>,
    /// Ends what keeps the request in flight, one day or never.
    keeper: Option<JoinHandle<StepResult>>,
    /// Connections that are open without a request.
    idle: Vec<TcpStream>,
    /// Clients whose connections are open and have been used.
    used: Vec<Users>,
    /// When the program was told to stop.
    signalled: Option<Instant>,
    /// The id of the newest request whose line in the log matters.
    request_id: Option<String>,
    /// Answers of two local addresses.
    addresses: Vec<Result<(), String>>,
    /// Clients that write without pause.
    writers: Option<writers::Writers>,
}

impl std::fmt::Debug for Notes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notes")
            .field("exits", &self.exits)
            .finish_non_exhaustive()
    }
}

impl Drop for Notes {
    fn drop(&mut self) {
        for task in [
            self.keeper.take().map(|it| it.abort_handle()),
            self.in_flight.take().map(|it| it.abort_handle()),
        ] {
            task.inspect(tokio::task::AbortHandle::abort);
        }
    }
}

impl World {
    /// The id of the newest request whose line in the log matters.
    fn request_id(&self) -> String {
        self.process
            .request_id
            .clone()
            .unwrap_or_else(|| self.scene.id.clone())
    }

    /// An id that no other request has.
    pub fn new_request_id(&mut self) -> String {
        let id = format!(
            "{}-{}",
            self.scene.id,
            &uuid::Uuid::new_v4().simple().to_string()[..8]
        );
        self.process.request_id = Some(id.clone());
        id
    }
}
