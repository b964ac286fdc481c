//! gRPC itself: reflection, deadlines, limits, connections.
//!
//! - [`reflection`]: the interface by reflection
//! - [`calls`]: deadlines, message limits, malformed calls
//! - [`connections`]: lifetime of connections, pings of clients
//! - [`given_up`]: calls that their client gives up

pub mod calls;
pub mod connections;
pub mod given_up;
pub mod reflection;
