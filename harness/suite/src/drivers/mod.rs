//! Drivers: verbs of the domain. They own wire details, deadlines, the request id that names the
//! scenario, and the journal; they return typed outcomes and never assert.
//!
//! - [`users`]: the users' gRPC interface
//! - [`probes`]: `/live`, `/ready`, `/health` over HTTP
//! - [`database`], [`redis`]: what stands behind the service
//! - [`encodings`]: forms in which a secret may stand somewhere

pub mod database;
pub mod encodings;
pub mod probes;
pub mod redis;
pub mod users;
