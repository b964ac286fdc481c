//! Drivers: verbs of the domain. They own wire details, deadlines, the request id that names the
//! scenario, and the journal; they return typed outcomes and never assert.
//!
//! - [`users`]: the verbs on users, over gRPC and over HTTP
//! - [`gateway`]: HTTP as a gateway gets it
//! - [`streams`]: the streams of users
//! - [`health_service`]: the health protocol of gRPC
//! - [`reflection`]: the interface as data
//! - [`probes`]: `/live`, `/ready`, `/health` over HTTP
//! - [`database`], [`database_locks`], [`redis`]: what stands behind the service
//! - [`raw`]: connections below any client library
//! - [`raw_http`]: HTTP/1.1 byte by byte
//! - [`wire`]: one HTTP/2 connection, and whatever the server does to it
//! - [`encodings`]: forms in which a secret may stand somewhere

pub mod database;
pub mod database_locks;
pub mod encodings;
pub mod gateway;
pub mod health_service;
pub mod probes;
pub mod raw;
pub mod raw_http;
pub mod redis;
pub mod reflection;
pub mod streams;
pub mod users;
pub mod wire;

/// The innermost cause, which says most.
pub fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
