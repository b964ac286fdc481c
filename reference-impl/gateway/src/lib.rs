//! The gateway: an HTTP JSON API over gRPC `user.v1.UserService`.
//!
//! In the order of a program's life:
//! - [`program`]: from the command to the exit status
//! - [`settings`]: what the environment says
//! - [`parts`]: what the gateway is put together from, each part replaceable
//! - [`server`]: ports, routers, start
//!
//! In the order of a request:
//! - [`request_ids`]: the id that every answer carries
//! - [`access_log`]: the log line of each request
//! - [`intake`]: takes a request in: its body, its deadline, or a refusal at the end of the program
//! - [`api`]: the routes, from requests to calls and from answers to JSON
//! - [`guarded`]: the calls behind the [`breaker`], repeated as [`retry`] says
//! - [`user_service`]: the calls as a trait; [`client`]: as the wire has them
//! - [`problem`]: from every refusal to an HTTP error
//!
//! And [`rules`]: what the contract says, as one value; [`check`]: how the user service is asked for
//! its health.

pub mod access_log;
pub mod api;
pub mod breaker;
pub mod check;
pub mod client;
pub mod guarded;
pub mod intake;
pub mod parts;
pub mod problem;
pub mod program;
pub mod request_ids;
pub mod retry;
pub mod rules;
pub mod server;
pub mod settings;
pub mod user_service;
