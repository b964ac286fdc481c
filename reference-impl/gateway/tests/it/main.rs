//! The gateway's router over a scripted user service.
//!
//! - [`gateway`]: a gateway to send requests to
//! - [`fake`]: a user service behind the trait
//! - [`raw`]: a user service on the wire

mod api;
mod connection;
mod fake;
mod gateway;
mod lifecycle;
mod raw;
mod resilience;
