//! Where a program connects to without a setting.

use std::path::Path;
use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::network::own_network::{Record, read_records};
use conformance_engine::observe::eventually;
use cucumber::{then, when};

use crate::checks::first_bytes::{is_http2, is_redis, postgres_database};
use crate::world::World;

/// The ports of the contract's default URLs.
const DEFAULT_PORTS: [u16; 3] = [5432, 6379, 50051];

/// CFG-6 and HLT-4: a start, and a check of every resource with the default time-out.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);

#[when("the program is started in a network of its own")]
async fn is_started_in_its_own_network(world: &mut World) -> StepResult {
    let record = world.own()?.start_in_own_network(0, &DEFAULT_PORTS).await?;
    world.process.own_network = Some(record);
    Ok(())
}

#[then(regex = r"^it connects to port (\d+) of localhost by (Redis's protocol|HTTP/2)$")]
async fn connects_by(world: &mut World, port: u16, protocol: String) -> StepResult {
    let is_expected = if protocol == "HTTP/2" {
        is_http2
    } else {
        is_redis
    };
    let expected = format!("a connection to port {port} of localhost by {protocol}");
    connects(world, port, &expected, is_expected).await
}

#[then(regex = r"^it connects to port (\d+) of localhost for the database `(\w+)`$")]
async fn connects_for(world: &mut World, port: u16, database: String) -> StepResult {
    let expected = format!("a connection to port {port} of localhost for the database {database}");
    let names_it = |bytes: &[u8]| postgres_database(bytes).as_deref() == Some(&database);
    connects(world, port, &expected, names_it).await
}

/// Waits for a connection to the port whose first bytes are the expected ones.
async fn connects(
    world: &mut World,
    port: u16,
    expected: &str,
    is_expected: impl Fn(&[u8]) -> bool,
) -> StepResult {
    let limit = world.environment.stretch_start(CONNECT_LIMIT);
    let record = world.process.own_network.clone();
    let record = record.ok_or_else(|| Failure::broken("no program runs in its own network"))?;
    let slot = world.own()?.slot(0)?;
    eventually(expected, limit, async || {
        let records = match known(&record) {
            Ok(records) => records,
            Err(failure) => return Ok(Err(failure)),
        };
        if records
            .iter()
            .any(|(to, bytes)| *to == port && is_expected(bytes))
        {
            return Ok(Ok(()));
        }
        slot.runs_on()?;
        Err(describe(&records))
    })
    .await?
}

/// The port and the first bytes of each connection so far.
fn known(record: &Path) -> StepResult<Vec<(u16, Vec<u8>)>> {
    let records = read_records(record).map_err(Failure::broken)?;
    let connections = records.into_iter().map(|record| match record {
        Record::Opening { port, bytes } => Ok((port, bytes)),
        Record::NotListening { port, cause } => Err(Failure::Missing {
            reason: format!(
                "this machine allows no network of a program's own, and its port {port} is in use ({cause}): end \
                 what listens there, or allow user namespaces"
            ),
        }),
    });
    connections.collect()
}

fn describe(connections: &[(u16, Vec<u8>)]) -> String {
    if connections.is_empty() {
        return "no connection to any default port".to_owned();
    }
    let shown = connections.iter().take(3).map(|(port, bytes)| {
        let start = &bytes[..bytes.len().min(40)];
        format!("port {port}: \"{}\"", start.escape_ascii())
    });
    shown.collect::<Vec<_>>().join("; ")
}
