//! What an implementation attaches to, and where that comes from.
//!
//! - [`provider`]: where a backend comes from, and why there may be none
//! - `engine`: the container engine, and which images it has
//! - `server`: a server that the suite started; `container`: one in a container
//! - `programs`: the programs of servers, and their versions
//! - [`postgres`]: a server, and a database for each deployment
//! - [`redis`]: an empty Redis for each deployment
//! - [`survey`](mod@survey): what this machine offers, for `conformance doctor`
//!
//! A backend is one folder, and a provider one file in it (`postgres/process.rs`, `redis/container.rs`),
//! with its place in the order of `provider::route`.

mod container;
mod engine;
pub mod postgres;
mod programs;
pub mod provider;
pub mod redis;
mod server;
pub mod survey;
#[cfg(test)]
mod tests;

pub use provider::{BackendError, BackendInfo};
pub use survey::{BackendSurvey, survey};
