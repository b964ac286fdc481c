//! What every program of the reference has, in the order of a program's life.
//!
//! - [`environment`]: the variables a program was started with
//! - [`settings`]: from text to types, and the settings that all programs share
//! - [`flags`]: feature flags as text
//! - [`logging`]: one event a line on stdout
//! - [`listen`]: the ports
//! - [`health`]: checks, their cache, readiness and the probes
//! - [`metrics`]: the page a scraper reads
//! - [`http`]: serves a router until it is told to stop
//! - [`elapsed`]: how durations are told
//! - [`shutdown`]: the signals, and the tokens they cancel
//! - [`healthcheck`]: asks a running program for its health

pub mod elapsed;
pub mod environment;
pub mod flags;
pub mod health;
pub mod healthcheck;
pub mod http;
pub mod listen;
pub mod logging;
pub mod metrics;
pub mod settings;
pub mod shutdown;
