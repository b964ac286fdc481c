//! How fast the reference is, compared with baselines of the parts that it is made of: an empty call, a plain
//! statement, a plain publish, each measured alternately with it in the same run.
//!
//! - [`fixture`]: the backends, the subjects and the baseline server that all benches share
//! - [`server`]: a program that serves gRPC or HTTP, as a process of its own
//! - [`routes`]: a client of HTTP routes
//! - [`baseline_server`]: the server of the empty call and the empty route
//! - [`statements`]: the SQL statements of the calls, without a service
//! - [`processors`]: processor time by process
//! - [`times`]: durations, and their percentiles
//! - [`table`]: the result
//! - [`calls`]: one call after the other
//! - [`concurrent`]: concurrent callers
//! - [`gateway`]: a GET through the gateway, compared with the call itself
//! - [`overhead`]: the cost of the gateway's breaker and request id
//! - [`streams`]: the latency from an update to its subscribers
//! - [`starts`]: the time from the start to ready
//! - [`memory`]: the memory of the service after very many calls

pub mod baseline_server;
pub mod calls;
pub mod concurrent;
pub mod fixture;
pub mod gateway;
pub mod memory;
pub mod overhead;
pub mod processors;
pub mod routes;
pub mod server;
pub mod starts;
pub mod statements;
pub mod streams;
pub mod table;
pub mod times;

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use conformance_engine::sandbox::watchdog::watchdog_main;
use criterion::Criterion;
use tokio::runtime::Runtime;

use crate::fixture::Fixture;
use crate::table::Table;

/// What this program does, by its first argument.
pub fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.first().map(String::as_str) {
        Some("watchdog") => return watchdog_main(),
        Some("baseline") => baseline_server::main(&arguments[1..]),
        _ => run(arguments.iter().any(|it| it == "--test")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("benches: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// All benches. The short form, Criterion's own `--test`, does each once on few users.
fn run(is_short: bool) -> anyhow::Result<()> {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .sample_size(10)
        .without_plots()
        .configure_from_args();
    let runtime = Runtime::new()?;
    let users = if is_short { 5_000 } else { 100_000 };
    let fixture = runtime.block_on(Fixture::start(users))?;
    let mut table = Table::default();
    let measured = (|| {
        calls::bench(&mut criterion, &fixture, &mut table)?;
        concurrent::bench(&mut criterion, &fixture, &mut table);
        gateway::bench(&mut criterion, &fixture, &mut table);
        streams::bench(&mut criterion, &fixture, &mut table)?;
        starts::bench(&mut criterion, &fixture, &mut table);
        memory::measure(&fixture, &mut table)
    })();
    runtime.block_on(fixture.stop());
    measured?;
    criterion.final_summary();
    print!("\n{table}");
    table.write(is_short).context("cannot write the table")
}
