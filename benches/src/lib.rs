//! How fast the reference is, compared with baselines: an empty call, a plain statement, a plain publish. Each
//! baseline is measured alternately with the subject in the same run.
//!
//! - [`fixture`]: the backends, subjects and baseline server that all benches share
//! - [`server`]: starts server programs
//! - [`http_client`]: an HTTP client of the users' routes
//! - [`baseline_server`]: the server of the empty call and the empty route
//! - [`plain_statements`]: SQL statements without a service
//! - [`cpu_time`]: CPU time by process
//! - [`latencies`]: latencies and their quantiles
//! - [`table`]: the table of results
//! - [`calls`]: sequential calls
//! - [`throughput`]: concurrent callers
//! - [`gateway`]: a GET through the gateway, and the direct call
//! - [`middleware_overhead`]: the gateway's breaker and request ids
//! - [`streams`]: from an update to its arrival at subscribers
//! - [`startup`]: from the start to ready
//! - [`memory`]: memory after very many calls

pub mod baseline_server;
pub mod calls;
pub mod cpu_time;
pub mod fixture;
pub mod gateway;
pub mod http_client;
pub mod latencies;
pub mod memory;
pub mod middleware_overhead;
pub mod plain_statements;
pub mod server;
pub mod startup;
pub mod streams;
pub mod table;
pub mod throughput;

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use conformance_engine::sandbox::watchdog::watchdog_main;
use criterion::Criterion;
use tokio::runtime::Runtime;

use crate::fixture::Fixture;
use crate::table::Table;

/// Runs the benches, the baseline server or the watchdog, as the first argument selects.
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

/// Runs all benches; a short run (Criterion's `--test`) runs each once, with fewer users.
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
    let result = (|| {
        calls::bench(&mut criterion, &fixture, &mut table)?;
        throughput::bench(&mut criterion, &fixture, &mut table);
        gateway::bench(&mut criterion, &fixture, &mut table);
        streams::bench(&mut criterion, &fixture, &mut table)?;
        startup::bench(&mut criterion, &fixture, &mut table);
        memory::measure(&fixture, &mut table)
    })();
    runtime.block_on(fixture.stop());
    result?;
    criterion.final_summary();
    print!("\n{table}");
    table.write(is_short).context("cannot write the table")
}
