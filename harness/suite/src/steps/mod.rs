//! Steps, by concept: each resolves names, calls one driver and stores one outcome or returns one check.
//!
//! - [`deployment`]: deployments, instances, outages
//! - [`process`]: processes: start, stop, commands, output
//! - [`health`]: probes and the health service
//! - [`grpc`]: reflection, deadlines, limits, connections
//! - [`gateway`]: HTTP requests, and the calls to the user service
//! - [`users`]: users, and the outcomes of calls
//! - [`streams`]: the streams of users

#![allow(
    clippy::unused_async,
    reason = "all step functions have one form: asynchronous, whatever they do"
)]

pub mod deployment;
pub mod gateway;
pub mod grpc;
pub mod health;
pub mod process;
pub mod streams;
pub mod users;
