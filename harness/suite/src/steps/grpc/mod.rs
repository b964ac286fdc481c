//! The plumbing of gRPC: reflection, deadlines, limits, connections.
//!
//! - [`reflection`]: what reflection says of the interface

pub mod reflection;

use prost_types::FileDescriptorProto;

/// What the steps of gRPC's plumbing remember.
#[derive(Debug, Default)]
pub struct Notes {
    /// The services that reflection lists.
    services: Vec<String>,
    /// The files that reflection shows.
    files: Vec<FileDescriptorProto>,
}
