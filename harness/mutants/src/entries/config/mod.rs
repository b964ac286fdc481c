//! CFG-1 to CFG-9: configuration, commands, start and stop.

mod commands;
mod defaults;
mod healthcheck;
mod ports;
mod start;
mod start_commands;
mod stateless;
pub mod stop;
mod values;

use std::time::Duration;

use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    [
        defaults::mutants(),
        values::mutants(),
        ports::mutants(),
        commands::mutants(),
        healthcheck::mutants(),
        start::mutants(),
        start_commands::mutants(),
        stateless::mutants(),
        stop::mutants(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// All variables that the suite may pass empty.
const MAY_BE_EMPTY: &[&str] = &[
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

/// Blocks the thread.
#[expect(clippy::disallowed_methods, reason = "the mutant is meant to block")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
