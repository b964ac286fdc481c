//! The plumbing of gRPC: reflection, deadlines, limits, connections.
//!
//! - [`reflection`]: what reflection says of the interface
//! - [`calls`]: deadlines, limits of messages, what is no call at all
//! - [`connections`]: how long connections live, and what clients may do with pings

pub mod calls;
pub mod connections;
pub mod reflection;

use std::time::Instant;

use prost_types::FileDescriptorProto;

use crate::drivers::database_locks::Locks;
use crate::drivers::wire::{Ended, Wire};
use tokio::task::JoinHandle;

/// What the steps of gRPC's plumbing remember.
#[derive(Default)]
pub struct Notes {
    /// The services that reflection lists.
    services: Vec<String>,
    /// The files that reflection shows.
    files: Vec<FileDescriptorProto>,
    /// The connection that is looked at.
    wire: Option<Wire>,
    /// How the calls of the newest action ended.
    ended: Vec<Ended>,
    /// A call that runs on the connection.
    running: Option<JoinHandle<Ended>>,
    /// The moment that the connection's times count from.
    counted_from: Option<Instant>,
    /// What holds statements up.
    locks: Option<Locks>,
}
