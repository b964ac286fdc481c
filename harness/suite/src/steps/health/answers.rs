//! The content of a single answer of a probe.

use std::sync::Mutex;
use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::{eventually, holds_for};
use cucumber::{then, when};

use super::health;
use crate::checks::all;
use crate::checks::health_answer::{self, HealthAnswer, revealing};
use crate::drivers::probes::{self, ProbeAnswer};
use crate::environment::deployment::{REFUSED, Slot};
use crate::params::{Resources, Span};
use crate::world::World;
use crate::world::health::HealthSample;

/// Parts of connection strings, in addition to the passwords of the deployment.
const SECRETS: [&str; 7] = [
    REFUSED.0,
    REFUSED.1,
    "postgres://",
    "postgresql://",
    "redis://",
    "jdbc:",
    "password=",
];

#[when(regex = r"^(/live|/health) is requested$")]
async fn is_requested(world: &mut World, path: String) -> StepResult {
    let samples = world.health.samples.clone();
    let journal = world.scenario.journal.clone();
    let slot = world.deployment().await?.slot(0)?;
    let answer = match path.as_str() {
        "/health" => health(slot, &samples).await,
        path => probes::get_logged(&slot.http_url(path), &journal).await,
    };
    let answer =
        answer.map_err(|got| Failure::mismatch(format!("an answer to GET {path}"), got))?;
    world.health.answers = vec![answer];
    Ok(())
}

#[when("every probe is requested")]
async fn every_probe_is_requested(world: &mut World) -> StepResult {
    let journal = world.scenario.journal.clone();
    let slot = world.deployment().await?.slot(0)?;
    let mut answers = Vec::new();
    for path in ["/live", "/ready", "/health"] {
        let answer = probes::get_logged(&slot.http_url(path), &journal).await;
        answers.push(
            answer.map_err(|got| Failure::mismatch(format!("an answer to GET {path}"), got))?,
        );
    }
    world.health.answers = answers;
    Ok(())
}

fn last_answer(world: &World) -> StepResult<&ProbeAnswer> {
    world
        .health
        .answers
        .last()
        .ok_or_else(|| Failure::broken("the scenario has requested no probe"))
}

fn health_answer(world: &World) -> StepResult<HealthAnswer> {
    let answer = last_answer(world)?;
    health_answer::parse(&answer.body).map_err(|wrong| {
        let failure = Failure::mismatch("a complete health answer", &answer.body);
        wrong.iter().fold(failure, Failure::detail)
    })
}

#[then(regex = r"^the answer is (\d+) with `(.*)`$")]
async fn answer_is(world: &mut World, status: u16, body: String) -> StepResult {
    let answer = last_answer(world)?;
    let wanted: serde_json::Value = serde_json::from_str(&body).map_err(Failure::broken)?;
    let seen = answer.json().map_err(|got| Failure::mismatch(&body, got))?;
    ensure(
        answer.status == status && seen == wanted,
        format!("{status} {body}"),
        format!("{} {}", answer.status, answer.body),
    )
}

#[then("the answer is a complete health answer")]
async fn answer_is_complete(world: &mut World) -> StepResult {
    let mut names: Vec<String> = health_answer(world)?
        .components
        .into_iter()
        .map(|it| it.name)
        .collect();
    names.sort_unstable();
    let resources = world.component.resources.iter();
    let wanted: Vec<&str> = resources.map(|it| it.name).collect();
    ensure(
        names == wanted,
        format!("the components {wanted:?}"),
        format!("{names:?}"),
    )
}

#[then(regex = r"^the answer's status is (healthy|degraded|unhealthy)$")]
async fn status_is(world: &mut World, status: String) -> StepResult {
    let answer = health_answer(world)?;
    ensure(answer.status == status, status, answer.status)
}

#[then(regex = r"^the answer's version is `(.+)`$")]
async fn version_is(world: &mut World, version: String) -> StepResult {
    let answer = health_answer(world)?;
    ensure(answer.version == version, version, answer.version)
}

#[then("the answer's version is not empty")]
async fn version_is_not_empty(world: &mut World) -> StepResult {
    let answer = health_answer(world)?;
    ensure(!answer.version.is_empty(), "a version", "an empty one")
}

#[then(
    regex = r"^the answer reports (the required resource|the optional resource|no resource) as (degraded|unhealthy)(, and every other component as healthy)?$"
)]
async fn reports(
    world: &mut World,
    resources: Resources,
    status: String,
    others: String,
) -> StepResult {
    let named = names(world, &resources)?;
    let wrong = health_answer(world)?.wrong_statuses(&named, &status, !others.is_empty());
    ensure(
        wrong.is_empty(),
        format!("{named:?} {status}"),
        wrong.join("; "),
    )
}

/// The names of these resources in health answers.
fn names(world: &World, resources: &Resources) -> StepResult<Vec<&'static str>> {
    let resources = resources.of(world.component)?;
    Ok(resources.iter().map(|resource| resource.name).collect())
}

#[then(
    regex = r"^it is (degraded|unhealthy) for (the required resource|the optional resource) alone for (\d+ s)$"
)]
async fn is_so_for_one_alone(
    world: &mut World,
    status: String,
    resources: Resources,
    window: Span,
) -> StepResult {
    let samples = world.health.samples.clone();
    let named = names(world, &resources)?;
    let slot = world.deployment().await?.slot(0)?;
    let what = format!("{status} for {named:?} alone");
    holds_for(what, window.0, async || {
        let answer = complete_health(slot, &samples).await?;
        let wrong = answer.wrong_statuses(&named, &status, true);
        wrong.into_iter().next().map_or(Ok(()), Err)
    })
    .await
}

/// Requests `/health`, and records the answer, which must be complete.
async fn complete_health(
    slot: &Slot,
    samples: &Mutex<Vec<HealthSample>>,
) -> Result<HealthAnswer, String> {
    let answer = health(slot, samples).await?;
    health_answer::parse(&answer.body).map_err(|wrong| wrong.join("; "))
}

#[then(
    regex = r"^a check of (the required resource|the optional resource) that took (\d+ (?:ms|s)) to (\d+ s) finds it healthy within (\d+ ms)$"
)]
async fn a_check_that_took(
    world: &mut World,
    resources: Resources,
    least: Span,
    most: Span,
    limit: Span,
) -> StepResult {
    let patience = world.scenario.patience;
    let name = names(world, &resources)?.first().copied().unwrap_or("");
    let (least, most) = (
        milliseconds(least.0),
        milliseconds(patience.stretch(most.0)),
    );
    let latency = latency_of(world, name, (least, most), patience.stretch(limit.0)).await?;
    latency
        .map(|_| ())
        .map_err(|got| Failure::mismatch(format!("{name} healthy after {least} to {most} ms"), got))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Waits for a check of a resource that took at least so long; the inner error describes a wrong answer before it.
async fn latency_of(
    world: &mut World,
    name: &str,
    (least, most): (f64, f64),
    limit: Duration,
) -> StepResult<Result<f64, String>> {
    let samples = world.health.samples.clone();
    let slot = world.deployment().await?.slot(0)?;
    let what = format!("a check of {name} that took at least {least} ms");
    eventually(what, limit, async || {
        let answer = health(slot, &samples).await?;
        let answer = health_answer::parse(&answer.body).map_err(|wrong| wrong.join("; "));
        match answer.and_then(|answer| answer.healthy_latency(name, most)) {
            Ok(latency) if latency < least => Err(format!("latency_ms {latency}")),
            judged => Ok(judged),
        }
    })
    .await
}

#[then("no answer holds a password or a connection string")]
async fn holds_no_secret(world: &mut World) -> StepResult {
    let passwords = world.own()?.passwords().into_iter();
    let secrets: Vec<String> = passwords.chain(SECRETS).map(str::to_owned).collect();
    let answers = &world.health.answers;
    let bodies: Vec<&str> = answers.iter().map(|answer| answer.body.as_str()).collect();
    let wrong = revealing(&bodies, &secrets).into_iter().map(str::to_owned);
    let expected = "no password and no connection string";
    all(expected, wrong.collect(), bodies.len())
}
