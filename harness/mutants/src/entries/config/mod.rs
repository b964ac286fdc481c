//! Configuration and the life of the process.

mod commands;
mod defaults;
mod healthcheck;
mod ports;
mod start;
mod starting;
mod stateless;
pub mod stop;
mod values;

use std::time::Duration;

use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    [
        defaults::entries(),
        values::entries(),
        ports::entries(),
        commands::entries(),
        healthcheck::entries(),
        start::entries(),
        starting::entries(),
        stateless::entries(),
        stop::entries(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Every variable that the suite may pass empty.
const EMPTY_IS_GARBAGE: &[&str] = &[
    "PORT",
    "METRICS_PORT",
    "GRPC_PORT",
    "DATABASE_MAX_CONNECTIONS",
    "LOG_FORMAT",
    "HEALTH_CACHE_TTL",
    "HEALTH_CHECK_TIMEOUT",
    "SHUTDOWN_TIMEOUT",
    "REQUEST_TIMEOUT",
    "HEALTH_OPTIONAL",
];

/// A wrong program may wait as it likes.
#[expect(
    clippy::disallowed_methods,
    reason = "waiting is what is wrong with it"
)]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
