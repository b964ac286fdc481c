//! What the steps about gRPC connections and reflection have recorded in one scenario.

use std::time::Instant;

use prost_types::FileDescriptorProto;
use tokio::task::JoinHandle;

use crate::drivers::database_hold::Hold;
use crate::drivers::database_locks::Locks;
use crate::drivers::wire::{CompletedCall, Wire};

/// What the steps about gRPC have recorded.
#[derive(Default)]
pub struct GrpcRecord {
    /// The services that reflection lists.
    pub services: Vec<String>,
    /// The files that reflection shows for each symbol.
    pub files: Vec<(String, Vec<FileDescriptorProto>)>,
    /// The connection under observation.
    pub wire: Option<Wire>,
    /// How the calls of the newest action ended.
    pub ended: Vec<CompletedCall>,
    /// A call that runs on the connection.
    pub running: Option<JoinHandle<CompletedCall>>,
    /// The moment that the connection's times count from.
    pub counted_from: Option<Instant>,
    /// The locks that hold statements.
    pub locks: Option<Locks>,
    /// What keeps one call in flight.
    pub hold: Option<Hold>,
}
