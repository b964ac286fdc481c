//! How fast the reference is, beside the floor that its parts set: an empty call, a bare
//! statement, a plain publish, measured in turn with it in the same run.
//!
//! - [`stage`]: the backends, the subjects and the floor that all benches share
//! - [`server`]: a program that serves gRPC or HTTP, as a process of its own
//! - [`routes`]: calls of HTTP routes
//! - [`floor`]: the server of the empty call and the empty route
//! - [`bare`]: the statements without a service
//! - [`processors`]: who used how much processor time
//! - [`times`]: durations, and their percentiles
//! - [`table`]: the result
//! - [`calls`]: one call after the other
//! - [`crowd`]: many callers at once
//! - [`gateway`]: a GET through the gateway beside the call itself
//! - [`guards`]: what the gateway's breaker and request id cost
//! - [`streams`]: from a commit to its subscribers
//! - [`starts`]: from the start to ready
//! - [`memory`]: what the service holds after very many calls

pub mod bare;
pub mod calls;
pub mod crowd;
pub mod floor;
pub mod gateway;
pub mod guards;
pub mod memory;
pub mod processors;
pub mod routes;
pub mod server;
pub mod stage;
pub mod starts;
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

use crate::stage::Stage;
use crate::table::Table;

/// What this program does, by its first argument.
pub fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.first().map(String::as_str) {
        Some("watchdog") => return watchdog_main(),
        Some("floor") => floor::main(&arguments[1..]),
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
    let stage = runtime.block_on(Stage::set(users))?;
    let mut table = Table::default();
    let measured = (|| {
        calls::bench(&mut criterion, &stage, &mut table)?;
        crowd::bench(&mut criterion, &stage, &mut table);
        gateway::bench(&mut criterion, &stage, &mut table);
        streams::bench(&mut criterion, &stage, &mut table)?;
        starts::bench(&mut criterion, &stage, &mut table);
        memory::measure(&stage, &mut table)
    })();
    runtime.block_on(stage.clear());
    measured?;
    criterion.final_summary();
    print!("\n{table}");
    table.write(is_short).context("cannot write the table")
}
