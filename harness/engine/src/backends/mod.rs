//! What an implementation attaches to, and where that comes from.
//!
//! - [`provider`]: what is fixed about a backend, where it may come from, and why there may be none
//! - [`engine_host`]: where the container engine is
//! - [`engine`]: the container engine, and which images it has
//! - `server`: a server that the suite started
//! - `container`: one in a container
//! - [`programs`]: the programs of servers, and their versions
//! - [`backend`]: what every backend implements
//! - [`postgres`]: a server, and a database for each deployment
//! - [`redis`]: an empty Redis for each deployment
//! - [`registry`]: every backend by name
//! - [`running`]: the backends of one run
//! - [`survey`](mod@survey): what this machine offers, for `conformance doctor`
//!
//! A backend is one folder, with a file for each provider (`postgres/process.rs`,
//! `redis/container.rs`), and one line of the registry.

pub mod backend;
mod container;
pub mod engine;
pub mod engine_host;
pub mod postgres;
pub mod programs;
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
