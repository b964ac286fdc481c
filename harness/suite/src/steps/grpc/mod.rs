//! gRPC itself: reflection, deadlines, limits, connections.
//!
//! - [`reflection`]: the interface by reflection
//! - [`calls`]: deadlines, message limits, malformed calls
//! - [`connections`]: lifetime of connections, pings of clients

pub mod calls;
pub mod connections;
pub mod reflection;
