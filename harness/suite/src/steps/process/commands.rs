//! `migrate` and `healthcheck`.

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::network::link::Link;
use conformance_engine::observe::eventually;
use cucumber::{given, then, when};

use crate::checks::all;
use crate::contract::components::user_service::DATABASE;
use crate::doubles::fake_health_endpoint::FakeHealthEndpoint;
use crate::drivers::database;
use crate::environment::deployment::hold_until_started;
use crate::params::Span;
use crate::world::World;

/// Time limit of a command, far above every limit of the contract.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// Time limit for all commands that start together to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Releases the database link once there are this many more connections, so that programs that start at slightly
/// different times still meet at the database.
async fn let_through(link: &Link, before: u64, connections: u64) {
    let met = eventually("connections", CONNECT_LIMIT, async || {
        let more = link.accepted_connections() - before;
        (more >= connections).then_some(()).ok_or(more)
    });
    // A program that connects later is not held.
    let _ = met.await;
    link.restore().await;
}

/// Runs a command this many times concurrently and records the exits.
async fn run(world: &mut World, command: &str, times: usize) -> StepResult {
    let permit = world.environment.start_permit().await?;
    let deployment = world.own()?;
    let link = match times {
        1 => None,
        _ => Some(deployment.slot(0)?.link(DATABASE)?),
    };
    let before = link.map_or(0, Link::accepted_connections);
    if let Some(link) = link {
        link.hang().await;
    }
    let started: StepResult<Vec<_>> = (0..times)
        .map(|_| deployment.command(0, &[command]))
        .collect();
    let started = started?;
    if let Some(first) = started.first() {
        tokio::spawn(hold_until_started(permit, first.pid(), None));
    }
    let ends = started
        .iter()
        .map(|instance| tokio::time::timeout(COMMAND_LIMIT, instance.wait_for_exit()));
    let gate = async {
        if let Some(link) = link {
            let_through(link, before, times as u64).await;
        }
    };
    let (ends, ()) = tokio::join!(futures::future::join_all(ends), gate);
    let mut exits = Vec::new();
    for (end, instance) in ends.into_iter().zip(&started) {
        let exit = end.map_err(|_| {
            Failure::mismatch(
                format!("`{command}` ends"),
                format!("it still runs after {} s", COMMAND_LIMIT.as_secs()),
            )
        })?;
        let lines = instance.output().lines();
        let tail: Vec<_> = lines
            .iter()
            .rev()
            .take(3)
            .map(|line| String::from_utf8_lossy(&line.bytes).into_owned())
            .collect();
        world
            .scenario
            .journal
            .note(format!("`{command}` {exit}: {}", tail.join(" | ")));
        exits.push(exit);
    }
    world.process.exits = exits;
    Ok(())
}

#[given(regex = r"^`migrate` was run( twice at once)?$")]
async fn migrate_was_run(world: &mut World, twice: String) -> StepResult {
    run(world, "migrate", if twice.is_empty() { 1 } else { 2 }).await?;
    exits_with(world, 0).await
}

#[when(regex = r"^`(migrate|healthcheck)` is run( twice at once)?$")]
async fn is_run(world: &mut World, command: String, twice: String) -> StepResult {
    if command == "migrate" {
        world.process.before = snapshot(world).await?;
    }
    run(world, &command, if twice.is_empty() { 1 } else { 2 }).await
}

async fn snapshot(world: &mut World) -> StepResult<Vec<String>> {
    let client = world.own()?.database_client().await?;
    database::snapshot(&client).await
}

#[then(regex = r"^every command exits with (\d+)$")]
async fn exits_with(world: &mut World, status: i32) -> StepResult {
    let exits = &world.process.exits;
    let wrong = exits
        .iter()
        .filter(|it| it.code != Some(status))
        .map(ToString::to_string);
    all(
        &format!("exit status {status}"),
        wrong.collect(),
        exits.len(),
    )
}

#[then(regex = r"^every command ends within (\d+ s)$")]
async fn ends_within(world: &mut World, limit: Span) -> StepResult {
    let allowed = world.environment.stretch_start(limit.0);
    let exits = &world.process.exits;
    let wrong = exits
        .iter()
        .filter(|it| it.after > allowed)
        .map(ToString::to_string);
    all(
        &format!("an end within {:?}", limit.0),
        wrong.collect(),
        exits.len(),
    )
}

#[then("the database holds exactly what it held before")]
async fn holds_the_same(world: &mut World) -> StepResult {
    let now = snapshot(world).await?;
    unchanged(&world.process.before, &now)
}

/// How many rows of each kind a failure shows.
const MAX_SHOWN: usize = 5;

/// Checks that the database holds what it held before, which must be something.
fn unchanged(before: &[String], now: &[String]) -> StepResult {
    if before.is_empty() {
        return Err(Failure::broken("the database held nothing before"));
    }
    let missing_in = |other: &[String], rows: &[String]| -> Vec<String> {
        let missing = rows.iter().filter(|row| !other.contains(row));
        missing.take(MAX_SHOWN).cloned().collect()
    };
    let (lost, new) = (missing_in(now, before), missing_in(before, now));
    ensure(
        now == before,
        "what the database held before",
        format!("lost {lost:?}, new {new:?}"),
    )
}

#[then("the database holds something that it did not hold before")]
async fn holds_more(world: &mut World) -> StepResult {
    let now = snapshot(world).await?;
    let before = &world.process.before;
    let new = now.iter().filter(|it| !before.contains(it)).count();
    ensure(
        new > 0,
        "a table, or anything else that the program needs",
        "nothing new",
    )
}

#[given(regex = r"^a fake program that answers /health with (\d+)(?: after (\d+) s)?$")]
async fn fake_program_answers(world: &mut World, status: u16, after: String) -> StepResult {
    let after = Duration::from_secs(after.parse().unwrap_or(0));
    fake_health_endpoint(world, Some(status), after).await
}

#[given("a fake program that never answers")]
async fn fake_program_is_silent(world: &mut World) -> StepResult {
    fake_health_endpoint(world, None, Duration::ZERO).await
}

async fn fake_health_endpoint(
    world: &mut World,
    status: Option<u16>,
    after: Duration,
) -> StepResult {
    let deployment = world
        .prepare(crate::environment::deployment::Settings::default())
        .await?;
    let index = deployment.add_slot().await?;
    let port = deployment.slot(index)?.port("PORT")?;
    world.process.fake_health_endpoint =
        Some(FakeHealthEndpoint::start(port, status, after).await?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_lost_or_gained_a_row_has_changed() {
        let rows =
            |rows: &[&str]| -> Vec<String> { rows.iter().map(ToString::to_string).collect() };
        assert_eq!(unchanged(&rows(&["a", "b"]), &rows(&["a", "b"])), Ok(()));
        assert!(unchanged(&rows(&["a", "b"]), &rows(&["a"])).is_err());
        assert!(unchanged(&rows(&["a"]), &rows(&["a", "b"])).is_err());
        assert!(unchanged(&rows(&["a"]), &rows(&["a", "a"])).is_err());
        assert!(unchanged(&[], &[]).is_err());
    }
}
