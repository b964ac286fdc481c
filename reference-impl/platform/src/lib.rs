//! What every program of the reference has, in the order of a program's life.
//!
//! - [`program`]: from the command to the exit status
//! - [`environment`]: the variables a program was started with
//! - [`settings`]: from text to types, and the settings that all programs share
//! - [`flags`]: feature flags as text
//! - [`logging`]: one event a line on stdout
//! - [`listen`]: the ports
//! - [`health`]: checks, their cache, readiness and the probes
//! - [`metrics`]: families as data, and the page that a scraper reads
//! - [`traces`]: spans, their export, and the headers that carry a trace
//! - [`http`]: serves a router until the stop
//! - [`request_id`]: the id that a request is known by
//! - [`in_flight`]: the requests under way, for the end of the program
//! - [`requests`]: the record of every request at its end
//! - [`elapsed`]: how durations are written
//! - [`shutdown`]: the signals, and the tokens they cancel
//! - [`serving`]: the servers of a program, and how they drain
//! - [`healthcheck`]: requests the health of a running program

pub mod elapsed;
pub mod environment;
pub mod flags;
pub mod health;
pub mod healthcheck;
pub mod http;
pub mod in_flight;
pub mod listen;
pub mod logging;
pub mod metrics;
pub mod program;
pub mod request_id;
pub mod requests;
pub mod serving;
pub mod settings;
pub mod shutdown;
pub mod traces;
