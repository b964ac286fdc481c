//! Steps, by concept: each resolves names, calls one driver and stores one outcome or returns one check.
//!
//! - [`deployment`]: what a scenario runs on: deployments, instances, outages
//! - [`process`]: the life of a program: settings, exits, signals, output
//! - [`health`]: probes and the health service
//! - [`grpc`]: reflection, deadlines, limits, connections
//! - [`gateway`]: HTTP, and the calls that become of it
//! - [`users`]: users and what becomes of calls
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
