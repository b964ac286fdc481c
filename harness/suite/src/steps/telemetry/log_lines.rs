//! The lines of requests (LOG-3).

use std::collections::BTreeSet;
use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::{eventually, holds_for};
use cucumber::{given, then};

use super::{QUIET_WINDOW, RECORD_LIMIT};
use crate::checks::all;
use crate::checks::finished_request::FinishedRequest;
use crate::checks::log_line::Event;
use crate::checks::request_log::{faults, is_request_line};
use crate::environment::deployment::Deployment;
use crate::steps::process::output::events;
use crate::world::World;

/// What is shown of a log without the line that was looked for.
const SHOWN: usize = 3;

/// The lines of a request, and how they stand in the log; one without an id is found by its method.
fn lines_of(events: &[(String, Event)], request: &FinishedRequest) -> Vec<(String, Event)> {
    let is_its = |event: &Event| match &request.id {
        Some(id) => event.field("request_id") == id,
        None => event.field("method") == request.method,
    };
    let http = request.http.is_some();
    let lines = events
        .iter()
        .filter(|(_, event)| is_request_line(event, http) && is_its(event));
    lines.cloned().collect()
}

/// What the log holds of a request that has no line.
fn remains(events: &[(String, Event)], request: &FinishedRequest) -> String {
    let id = request.id.as_deref().unwrap_or_default();
    let lines = events.iter().filter(|(line, _)| line.contains(id));
    let lines: Vec<&str> = lines.map(|(line, _)| line.as_str()).take(SHOWN).collect();
    format!(
        "no line with request_id {id:?}, method, status and duration_ms (over HTTP also path); lines with this id: {}",
        lines.join(" | ")
    )
}

/// Waits until every request that was made has as many lines as there are requests like it.
async fn wait_for_lines(
    deployment: &Deployment,
    finished: &[FinishedRequest],
    limit: Duration,
) -> StepResult {
    eventually("a line for each request", limit, async || {
        let events = events(deployment);
        let lacking = finished.iter().find(|request| {
            let without_id = finished.iter().filter(|other| other.id.is_none()).count();
            let wanted = if request.id.is_none() { without_id } else { 1 };
            lines_of(&events, request).len() < wanted
        });
        lacking.map_or(Ok(()), |it| Err(remains(&events, it)))
    })
    .await
}

/// Checks that each request that was made has one line, with its fields and its level.
pub async fn each_has_its_line(world: &mut World, limit: Duration) -> StepResult {
    let limit = world.scenario.patience.stretch(limit);
    let late = world.scenario.patience.stretch(Duration::ZERO);
    let finished = world.telemetry.finished.clone();
    let deployment = world.deployment().await?;
    wait_for_lines(deployment, &finished, limit).await?;
    let once = async || {
        let events = events(deployment);
        let twice = finished
            .iter()
            .find(|it| it.id.is_some() && lines_of(&events, it).len() != 1);
        twice.map_or(Ok(()), |it| Err(format!("{:?}", lines_of(&events, it))))
    };
    holds_for("one line for each request", QUIET_WINDOW, once).await?;
    let events = events(deployment);
    let wrong = finished.iter().flat_map(|request| {
        let lines = lines_of(&events, request).into_iter();
        lines.filter_map(|(line, event)| {
            let faults = faults(request, &event, late);
            (!faults.is_empty()).then(|| format!("{}: {line}", faults.join(", ")))
        })
    });
    let expected = "a line for each request with its fields, at the level of its status";
    all(expected, wrong.collect(), finished.len())
}

#[then(
    "each of these requests has one line in the log, with its fields, at the level of its status"
)]
#[then("each of these calls has one line in the log, with its fields, at the level of its status")]
async fn each_is_logged(world: &mut World) -> StepResult {
    each_has_its_line(world, RECORD_LIMIT).await
}

#[then(regex = r"^within (\d+ s) each of these requests has one line in the log$")]
async fn each_is_logged_within(world: &mut World, limit: crate::params::Span) -> StepResult {
    each_has_its_line(world, limit.0).await
}

#[then("each of these calls has a line in the log with an id of its own")]
async fn each_has_its_id(world: &mut World) -> StepResult {
    let limit = world.scenario.patience.stretch(RECORD_LIMIT);
    let late = world.scenario.patience.stretch(Duration::ZERO);
    let finished = world.telemetry.finished.clone();
    let deployment = world.deployment().await?;
    wait_for_lines(deployment, &finished, limit).await?;
    have_own_ids(&events(deployment), &finished, late)
}

/// Checks that as many calls without an id as were made have lines, each with an id that no other has.
fn have_own_ids(
    events: &[(String, Event)],
    finished: &[FinishedRequest],
    late: Duration,
) -> StepResult {
    let Some(first) = finished.first() else {
        return Err(Failure::broken("the scenario has made no call"));
    };
    let lines = lines_of(events, first);
    let wrong = lines
        .iter()
        .flat_map(|(_, event)| faults(first, event, late));
    all("the fields of a line", wrong.collect(), lines.len())?;
    let ids: BTreeSet<&str> = lines.iter().map(|it| it.1.field("request_id")).collect();
    ensure(
        ids.len() == finished.len() && lines.len() == finished.len(),
        format!("{} lines with ids of their own", finished.len()),
        format!("{lines:?}"),
    )
}

#[given("the stream has no line in the log yet")]
async fn stream_has_no_line(world: &mut World) -> StepResult {
    let id = world.telemetry.stream()?.id.clone();
    let events = events(world.deployment().await?);
    let lines: Vec<&String> = events
        .iter()
        .filter(|(_, event)| event.field("request_id") == id && is_request_line(event, false))
        .map(|(line, _)| line)
        .collect();
    ensure(
        lines.is_empty(),
        "no line of a stream that is open",
        format!("{lines:?}"),
    )
}
