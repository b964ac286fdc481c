//! Log output.

use std::ops::RangeInclusive;
use std::time::Duration;

use chrono::{DateTime, Utc};
use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::eventually;
use conformance_engine::subject::output::Stream;
use cucumber::{then, when};
use regex::Regex;

use crate::checks::all;
use crate::checks::log_line::{self, Event, Format, LEVELS};
use crate::drivers::Code;
use crate::drivers::users::shown;
use crate::environment::deployment::Deployment;
use crate::world::World;

/// Every line of standard output of every process of the deployment.
pub fn stdout(deployment: &Deployment) -> Vec<Vec<u8>> {
    unread(deployment, &mut Vec::new())
}

/// The lines since the last call with these positions, one for each process.
pub(in crate::steps) fn unread(deployment: &Deployment, places: &mut Vec<u64>) -> Vec<Vec<u8>> {
    let runs = deployment
        .slots()
        .iter()
        .flat_map(crate::environment::deployment::Slot::runs);
    let mut lines = Vec::new();
    for (index, run) in runs.enumerate() {
        places.resize(places.len().max(index + 1), 0);
        lines.extend(run.output().lines_since(&mut places[index]));
    }
    lines
        .into_iter()
        .filter(|it| it.stream == Stream::Stdout)
        .map(|it| it.bytes.to_vec())
        .collect()
}

/// A line as an event in either format.
pub fn any_event(line: &[u8]) -> Result<Event, String> {
    let format = if line.starts_with(b"{") {
        Format::Json
    } else {
        Format::Text
    };
    log_line::parse(line, format)
}

pub fn events(deployment: &Deployment) -> Vec<(String, Event)> {
    stdout(deployment)
        .iter()
        .filter_map(|it| readable(it))
        .collect()
}

/// A line and the event that it is.
pub(in crate::steps) fn readable(line: &[u8]) -> Option<(String, Event)> {
    Some((
        String::from_utf8_lossy(line).into_owned(),
        any_event(line).ok()?,
    ))
}

/// Waits for an event that `wanted` accepts.
pub async fn wait_for(
    world: &mut World,
    what: String,
    wanted: impl Fn(&str, &Event) -> bool,
) -> StepResult {
    let limit = world.scenario.patience.stretch(Duration::from_secs(1));
    let deployment = world.deployment().await?;
    let (mut places, mut seen) = (Vec::new(), Vec::new());
    eventually(what, limit, async || {
        let lines = unread(deployment, &mut places);
        for (line, event) in lines.iter().filter_map(|line| readable(line)) {
            if wanted(&line, &event) {
                return Ok(());
            }
            seen.push(line);
        }
        let tail: Vec<&str> = seen.iter().rev().take(3).map(String::as_str).collect();
        Err(format!(
            "{} events, the newest: {}",
            seen.len(),
            tail.join(" | ")
        ))
    })
    .await
}

#[when("a request is made")]
async fn a_request_is_made(world: &mut World) -> StepResult {
    let id = world.new_request_id();
    let request = world.newcomer();
    let client = world.client(0).await?.with_request_id(&id);
    client.create(request).await.ok().map(|_| ())
}

#[when("a request is made that fails with UNAVAILABLE")]
async fn an_unavailable_request_is_made(world: &mut World) -> StepResult {
    let id = world.new_request_id();
    let request = world.newcomer();
    let client = world.client(0).await?.with_request_id(&id);
    let call = client.create(request).await;
    ensure(
        call.code() == Code::Unavailable,
        "UNAVAILABLE",
        call.result
            .map_or_else(|it| shown(&it), |_| "OK".to_owned()),
    )
}

#[then(regex = r"^a line at level (INFO|ERROR|WARN or ERROR) has the id of the request$")]
async fn a_line_has_the_id(world: &mut World, level: String) -> StepResult {
    let id = world.request_id();
    let what = format!("a line at level {level} with request_id {id:?}");
    let levels: Vec<&str> = level.split(" or ").collect();
    wait_for(world, what, |_, event| {
        levels.contains(&event.field("level")) && event.field("request_id") == id
    })
    .await
}

/// Matches the word on its own, not as a part of another word.
fn whole_word(word: &str) -> StepResult<Regex> {
    let pattern = format!("(^|[^A-Z0-9_]){}($|[^A-Z0-9_])", regex::escape(word));
    Regex::new(&pattern).map_err(Failure::broken)
}

#[then(regex = r"^a line at level (ERROR) names ([A-Z0-9_]+)$")]
async fn a_line_names(world: &mut World, level: String, name: String) -> StepResult {
    let pattern = whole_word(&name)?;
    let what = format!("a line at level {level} that names {name}");
    wait_for(world, what, |line, event| {
        event.field("level") == level && pattern.is_match(line)
    })
    .await
}

#[then(regex = r"^a line at level (ERROR) names the port of ((?:[A-Z]+_)?PORT)$")]
async fn a_line_names_the_port(world: &mut World, level: String, variable: String) -> StepResult {
    let deployment = world.own()?;
    // Where another instance holds it, the port is that of the other.
    let newest = deployment.slots().len().saturating_sub(1);
    let port = deployment.slot(newest)?.port(&variable)?;
    a_line_names(world, level, port.to_string()).await
}

#[then(regex = r"^standard output holds events in (json|text), and nothing else$")]
async fn holds_events(world: &mut World, format: String) -> StepResult {
    let format = match format.as_str() {
        "json" => Format::Json,
        _ => Format::Text,
    };
    let started = world.environment.begun;
    let lines = stdout(world.deployment().await?);
    events_only(&lines, format, started..=Utc::now())
}

/// Checks that each line is an event in this format from this time, and that there is one.
fn events_only(
    lines: &[Vec<u8>],
    format: Format,
    within: RangeInclusive<DateTime<Utc>>,
) -> StepResult {
    let wrong = lines.iter().filter_map(|line| {
        let event = log_line::parse(line, format);
        let checked = event.and_then(|event| event.happened_within(*within.start(), *within.end()));
        let error = checked.err()?;
        Some(format!("{:?}: {error}", String::from_utf8_lossy(line)))
    });
    let expected = format!("events in {format:?}");
    all(&expected, wrong.collect(), lines.len())
        .map_err(|failure| mismatch_if_empty(failure, lines.is_empty()))
}

/// The failure, or a mismatch if the program has written nothing: then it is at fault, and not the scenario.
fn mismatch_if_empty(failure: Failure, empty: bool) -> Failure {
    if empty {
        Failure::mismatch("at least one event on standard output", "none")
    } else {
        failure
    }
}

#[then(regex = r"^no event is below (INFO|WARN|ERROR)$")]
async fn none_is_below(world: &mut World, lowest: String) -> StepResult {
    let least = LEVELS.iter().position(|it| *it == lowest).unwrap_or(0);
    let events = events(world.deployment().await?);
    let wrong = events.iter().filter(|(_, it)| it.severity() < least);
    let wrong: Vec<String> = wrong.map(|(line, _)| line.clone()).collect();
    ensure(
        wrong.is_empty(),
        format!("no event below {lowest}"),
        wrong.first().cloned().unwrap_or_default(),
    )?;
    // A call that fails with UNAVAILABLE is one at WARN or at ERROR (LOG-3), so that only at ERROR there may be
    // no event at all.
    ensure(
        lowest == "ERROR" || !events.is_empty(),
        format!("an event that is not below {lowest}"),
        "none at all",
    )
}

#[then("every event has a source")]
async fn every_event_has_a_source(world: &mut World) -> StepResult {
    let events = events(world.deployment().await?);
    let wrong = events
        .iter()
        .filter(|(_, it)| it.field("source").is_empty());
    let wrong = wrong.map(|(line, _)| line.clone()).collect();
    all("a source in every event", wrong, events.len())
        .map_err(|failure| mismatch_if_empty(failure, events.is_empty()))
}

/// How long some requests in a row may take: the contract states no time for them.
const REQUESTS_LIMIT: Duration = Duration::from_secs(5);

#[then("requests succeed")]
async fn requests_succeed(world: &mut World) -> StepResult {
    let limit = world.scenario.patience.stretch(REQUESTS_LIMIT);
    let client = world.client(0).await?;
    let requests: Vec<_> = (0..5).map(|_| world.newcomer()).collect();
    eventually("5 requests in a row succeed", limit, async || {
        client.create_each(&requests).await
    })
    .await
    .map(|_| ())
}

#[then("the very first request after it is ready succeeds")]
async fn first_request_succeeds(world: &mut World) -> StepResult {
    super::super::health::becomes(
        world,
        crate::params::State::Ready,
        crate::environment::deployment::START_LIMIT,
    )
    .await?;
    let request = world.newcomer();
    world
        .client(0)
        .await?
        .create(request)
        .await
        .ok()
        .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"time":"2024-01-01T00:00:00Z","level":"INFO","msg":"m","source":"s"}"#;

    #[track_caller]
    fn check(lines: &[&str], format: Format, right: bool) {
        let lines: Vec<Vec<u8>> = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        let time: DateTime<Utc> = "2024-01-01T00:00:00Z".parse().expect("a time");
        let checked = events_only(&lines, format, time..=time);
        assert_eq!(checked.is_ok(), right, "{checked:?}");
    }

    #[test]
    fn every_line_is_an_event_of_the_format_and_of_the_time() {
        check(&[EVENT, EVENT], Format::Json, true);
        check(&[EVENT, "panicked"], Format::Json, false);
        check(&[EVENT], Format::Text, false);
        check(
            &[EVENT, &EVENT.replace("2024", "2023")],
            Format::Json,
            false,
        );
    }

    #[test]
    fn a_program_that_writes_nothing_is_at_fault() {
        let failure = mismatch_if_empty(Failure::broken("nothing to check"), true);
        assert!(matches!(failure, Failure::Mismatch { .. }), "{failure:?}");
        check(&[], Format::Json, false);
    }

    #[test]
    fn a_word_is_not_found_within_another() {
        let word = whole_word("PORT").expect("a pattern");
        assert!(word.is_match("PORT is not valid") && word.is_match("(PORT)"));
        assert!(!word.is_match("GRPC_PORT") && !word.is_match("PORTS"));
    }
}
