//! `migrate` and `healthcheck`.

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::network::link::Link;
use conformance_engine::observe::eventually;
use cucumber::{given, then, when};

use crate::component::Resource;
use crate::deployment::hold_until_started;
use crate::doubles::stand_in::StandIn;
use crate::drivers::database;
use crate::params::Span;
use crate::world::World;

/// When a command that does not end is given up: far above every limit of the contract.
const GIVE_UP: Duration = Duration::from_secs(30);

/// How long commands that start together are waited for until each has connected.
const MEETING: Duration = Duration::from_secs(10);

/// Lets through what wants the database as soon as there are so many more connections: programs of which
/// one starts a little later than the other meet there all the same.
async fn let_through(link: &Link, before: u64, connections: u64) {
    let met = eventually("connections", MEETING, async || {
        let more = link.accepted() - before;
        (more >= connections).then_some(()).ok_or(more)
    });
    // Whoever does not come in time comes later.
    let _ = met.await;
    link.restore().await;
}

/// Runs a command so many times at once and remembers how each ended.
async fn run(world: &mut World, command: &str, times: usize) -> StepResult {
    let turn = world.site.turn_to_start().await?;
    let deployment = world.own()?;
    let link = match times {
        1 => None,
        _ => Some(deployment.slot(0)?.link(Resource::Database)?),
    };
    let before = link.map_or(0, Link::accepted);
    if let Some(link) = link {
        link.hang().await;
    }
    let started: StepResult<Vec<_>> = (0..times)
        .map(|_| deployment.command(0, &[command]))
        .collect();
    let started = started?;
    if let Some(first) = started.first() {
        tokio::spawn(hold_until_started(turn, first.pid(), None));
    }
    let ends = started
        .iter()
        .map(|it| tokio::time::timeout(GIVE_UP, it.exited()));
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
                format!("it still runs after {} s", GIVE_UP.as_secs()),
            )
        })?;
        let lines = instance.output().lines();
        let tail: Vec<_> = lines
            .iter()
            .rev()
            .take(3)
            .map(|it| String::from_utf8_lossy(&it.bytes).into_owned())
            .collect();
        world
            .scene
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
    let database = world.own()?.database()?.clone();
    let client = database::connect(&world.site, &database).await?;
    database::snapshot(&client).await
}

#[then(regex = r"^every command exits with (\d+)$")]
async fn exits_with(world: &mut World, status: i32) -> StepResult {
    let exits = &world.process.exits;
    let wrong = exits
        .iter()
        .filter(|it| it.code != Some(status))
        .map(ToString::to_string);
    super::super::users::outcomes::all(
        &format!("exit status {status}"),
        wrong.collect(),
        exits.len(),
    )
}

#[then(regex = r"^every command ends within (\d+ s)$")]
async fn ends_within(world: &mut World, limit: Span) -> StepResult {
    let allowed = world.scene.patience.stretch(limit.0);
    let exits = &world.process.exits;
    let wrong = exits
        .iter()
        .filter(|it| it.after > allowed)
        .map(ToString::to_string);
    super::super::users::outcomes::all(
        &format!("an end within {:?}", limit.0),
        wrong.collect(),
        exits.len(),
    )
}

#[then("the database holds exactly what it held before")]
async fn holds_the_same(world: &mut World) -> StepResult {
    let now = snapshot(world).await?;
    let before = &world.process.before;
    let lost: Vec<_> = before
        .iter()
        .filter(|it| !now.contains(it))
        .take(5)
        .collect();
    let new: Vec<_> = now
        .iter()
        .filter(|it| !before.contains(it))
        .take(5)
        .collect();
    ensure(
        now == *before,
        "what the database held before",
        format!("lost {lost:?}, new {new:?}"),
    )
}

#[given(regex = r"^a stand-in for the program that answers /health with (\d+)(?: after (\d+) s)?$")]
async fn stand_in_answers(world: &mut World, status: u16, after: String) -> StepResult {
    let after = Duration::from_secs(after.parse().unwrap_or(0));
    stand_in(world, Some(status), after).await
}

#[given("a stand-in for the program that never answers")]
async fn stand_in_is_silent(world: &mut World) -> StepResult {
    stand_in(world, None, Duration::ZERO).await
}

async fn stand_in(world: &mut World, status: Option<u16>, after: Duration) -> StepResult {
    let deployment = world
        .prepare(crate::deployment::Settings::default())
        .await?;
    let index = deployment.add_slot().await?;
    let port = deployment.slot(index)?.port("PORT");
    world.process.stand_in = Some(StandIn::start(port, status, after).await?);
    Ok(())
}
