//! The plumbing of gRPC.
//!
//! - [`reflection`]: what reflection says (GRP-2)
//! - [`calls`]: deadlines, limits and what is no call (GRP-3)
//! - [`connections`]: how long connections live (GRP-4)
//! - [`keepalive`]: silent clients, and clients that ping too often (GRP-5)

mod calls;
mod connections;
mod keepalive;
mod reflection;

use std::time::Duration;

use crate::entry::Entry;

const HOUR: Duration = Duration::from_hours(1);

pub fn entries() -> Vec<Entry> {
    [
        reflection::entries(),
        calls::deadlines(),
        calls::messages(),
        connections::entries(),
        keepalive::entries(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
