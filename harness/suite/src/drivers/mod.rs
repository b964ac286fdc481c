//! Drivers: verbs of the domain. They own wire details, deadlines, the request id that names the
//! scenario, and the journal; they return typed outcomes and never assert.
//!
//! - [`gateway`]: HTTP requests to a gateway
//! - [`users`]: the verbs on users, over gRPC and over HTTP
//! - [`streams`]: the streams of users
//! - [`health_service`]: the health protocol of gRPC
//! - [`reflection`]: the interface as data
//! - [`probes`]: `/live`, `/ready`, `/health` over HTTP
//! - [`metrics`]: `/metrics` over HTTP
//! - [`promql`]: what Prometheus has scraped of a program
//! - [`promtool`]: the program that checks pages of metrics
//! - [`jaeger`]: what Jaeger holds of traces
//! - [`database`], [`database_hold`], [`database_locks`], [`redis`]: the backends of the service
//! - [`malformed`]: messages that no server can decode
//! - [`raw`]: connections below any client library
//! - [`unread`]: requests whose answers the client stops reading
//! - [`raw_http`]: HTTP/1.1 byte by byte
//! - [`wire`]: one HTTP/2 connection, with every action of the server on it
//! - [`text_places`]: places of requests where a client can put text
//! - [`encodings`]: encodings in which a secret may appear

pub mod database;
pub mod database_hold;
pub mod database_locks;
pub mod encodings;
pub mod gateway;
pub mod health_service;
pub mod jaeger;
pub mod malformed;
pub mod metrics;
pub mod probes;
pub mod promql;
pub mod promtool;
pub mod raw;
pub mod raw_http;
pub mod redis;
pub mod reflection;
pub mod streams;
pub mod text_places;
pub mod unread;
pub mod users;
pub mod wire;

use conformance_engine::backends::provider::BackendError;
use conformance_engine::failure::Failure;
use conformance_engine::sandbox::exhaustion;
pub use tonic::{Code, Status};

/// The innermost cause of an error. Records the error if the suite's own resources are exhausted.
pub fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    exhaustion::record(error);
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// An error of a backend as the failure of a step.
pub fn backend_failure(error: BackendError) -> Failure {
    error.into()
}
