//! The gateway: an HTTP JSON API over gRPC `user.v1.UserService`.
//!
//! In the order of a program's life:
//! - [`program`]: from the command to the exit status
//! - [`settings`]: the environment as types
//! - [`dependencies`]: what the server is built from
//! - [`server`]: ports, routers, start
//!
//! In the order of a request:
//! - [`admission`]: buffers a request's body, sets its deadline, refuses new requests during shutdown
//! - [`request_context`]: what the calls of one request have in common
//! - [`api`]: the routes, from requests to calls and from responses to JSON
//! - [`upstream`]: calls behind the [`breaker`], repeated as [`retry`] says
//! - [`user_service`]: the calls as a trait; [`client`]: the same over gRPC
//! - [`api_error`]: every error as an HTTP response
//!
//! In addition, [`health_check`] checks the health of the user service, and `clock` adds durations
//! to instants.

pub mod admission;
pub mod api;
pub mod api_error;
pub mod breaker;
pub mod client;
mod clock;
pub mod dependencies;
pub mod health_check;
pub mod program;
pub mod request_context;
pub mod retry;
pub mod server;
pub mod settings;
pub mod upstream;
pub mod user_service;
