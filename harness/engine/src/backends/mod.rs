//! The servers that an implementation needs (PostgreSQL, Redis), or that show what it exports (Prometheus, Jaeger), and the
//! providers that start or reach them.
//!
//! - [`provider`]: static facts about a backend, its providers, and errors
//! - [`engine_host`]: the address of the container engine
//! - [`engine`]: the container engine and its images
//! - `server`: a server process that the suite starts
//! - `container`: a server that the suite starts in a container
//! - [`programs`]: finds server programs and checks their versions
//! - [`backend`]: the trait of every backend, and the choice of a provider
//! - [`postgres`]: one server, with a database for each deployment
//! - [`redis`]: an empty Redis for each deployment
//! - [`prometheus`]: one server, which scrapes the programs of the scenarios that need it
//! - [`jaeger`]: one server, to which collectors forward traces
//! - [`registry`]: every backend by name
//! - [`running`]: the backends of one run
//! - [`survey`](mod@survey): which backends this machine has, for `conformance doctor`
//!
//! Each backend has a folder with a file for each provider (`postgres/process.rs`,
//! `redis/container.rs`), and a line in the registry.

pub mod backend;
mod container;
pub mod engine;
pub mod engine_host;
pub mod jaeger;
pub mod postgres;
pub mod programs;
pub mod prometheus;
pub mod provider;
pub mod redis;
pub mod registry;
pub mod running;
mod server;
pub mod survey;
#[cfg(test)]
mod tests;

pub use backend::RunningBackend;
pub use provider::{BackendError, BackendInfo};
pub use running::Backends;
pub use survey::{BackendSurvey, survey};
