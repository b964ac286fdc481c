//! The user service: gRPC `user.v1.UserService` on PostgreSQL.
//!
//! In the order of a program's life:
//! - [`program`]: from the command to the exit status
//! - [`settings`]: what the environment says
//! - [`dependencies`]: what the service is put together from, each replaceable
//! - [`server`]: ports, routers, start and drain
//! - [`migrate`]: prepares the database
//!
//! In the order of a call:
//! - [`connections`]: where calls come from, and how long that lasts
//! - [`upload`]: a call whose client disconnects while it sends
//! - [`deadline`]: gives a call up when its client does
//! - [`service`]: the calls of `UserService`; [`grpc_health`]: those of `grpc.health.v1`; [`reflection`]: the interface as data
//! - [`validate`], [`order`], [`filter`], [`page_token`]: what a request may hold
//! - [`password`]: their hashes
//! - [`store`]: where users are kept
//! - [`stream`]: how their changes reach subscribers
//! - [`wire`]: from [`user`] to messages
//! - [`status`]: from [`invalid`] and every other refusal to gRPC statuses
//!
//! In addition, [`checks`] checks the health of PostgreSQL and Redis, [`active_users`] keeps a gauge up to date,
//! and [`families`] has the metrics that are the user service's own.

pub mod active_users;
pub mod checks;
pub mod connections;
pub mod deadline;
pub mod dependencies;
pub mod families;
pub mod filter;
pub mod grpc_health;
pub mod invalid;
pub mod migrate;
pub mod order;
pub mod page_token;
pub mod password;
pub mod program;
pub mod reflection;
pub mod server;
pub mod service;
pub mod settings;
pub mod status;
pub mod store;
pub mod stream;
pub mod upload;
pub mod user;
pub mod validate;
pub mod wire;
