//! Drivers: verbs of the domain. They own wire details, deadlines, the request id that names the
//! scenario, and the journal; they return typed outcomes and never assert.
//!
//! - [`users`]: the users' gRPC interface
//! - [`probes`]: `/live`, `/ready`, `/health` over HTTP

pub mod probes;
pub mod users;
