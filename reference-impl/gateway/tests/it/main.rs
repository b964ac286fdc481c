//! The gateway's router over a user service that does as it is told.
//!
//! - [`gateway`]: a gateway to send requests to
//! - [`fake`]: what stands in for the user service behind the trait
//! - [`raw`]: what stands in for it on the wire

mod api;
mod connection;
mod fake;
mod gateway;
mod lifecycle;
mod raw;
mod resilience;
