//! Steps, by concept: each resolves names, calls one driver and stores one outcome or returns one check.
//!
//! - [`health`]: probes and the health service
//! - [`deployment`]: deployments, instances, outages
//! - [`users`]: users, and the outcomes of calls
//! - [`process`]: processes: start, stop, commands, output
//! - [`grpc`]: reflection, deadlines, limits, connections
//! - [`gateway`]: HTTP requests, and the calls to the user service
//! - [`streams`]: the streams of users
//! - [`telemetry`]: the log lines of requests, and metrics
//! - [`traces`]: traces and their collector

#![allow(
    clippy::unused_async,
    reason = "all step functions have one form: asynchronous, even those that do not wait"
)]

pub mod deployment;
pub mod gateway;
pub mod grpc;
pub mod health;
pub mod process;
pub mod streams;
pub mod telemetry;
pub mod traces;
pub mod users;
