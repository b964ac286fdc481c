//! The content of a single answer of a probe.

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::{eventually, holds_for};
use cucumber::{then, when};

use super::health;
use crate::checks::health_answer::{self, HealthAnswer};
use crate::drivers::probes::{self, ProbeAnswer};
use crate::environment::deployment::REFUSED;
use crate::params::{Resources, Span};
use crate::world::World;

#[when(regex = r"^(/live|/health) is requested$")]
async fn is_asked(world: &mut World, path: String) -> StepResult {
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
async fn every_probe_is_asked(world: &mut World) -> StepResult {
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

fn answer(world: &World) -> StepResult<&ProbeAnswer> {
    world
        .health
        .answers
        .last()
        .ok_or_else(|| Failure::broken("the scenario has asked no probe"))
}

fn told(world: &World) -> StepResult<HealthAnswer> {
    let answer = answer(world)?;
    health_answer::parse(&answer.body).map_err(|wrong| {
        let failure = Failure::mismatch("a complete health answer", &answer.body);
        wrong.iter().fold(failure, Failure::detail)
    })
}

#[then(regex = r"^the answer is (\d+) with `(.*)`$")]
async fn answer_is(world: &mut World, status: u16, body: String) -> StepResult {
    let answer = answer(world)?;
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
    let mut names: Vec<String> = told(world)?
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
    let told = told(world)?;
    ensure(told.status == status, status, told.status)
}

#[then(regex = r"^the answer's version is `(.+)`$")]
async fn version_is(world: &mut World, version: String) -> StepResult {
    let told = told(world)?;
    ensure(told.version == version, version, told.version)
}

#[then("the answer's version is not empty")]
async fn version_is_not_empty(world: &mut World) -> StepResult {
    let told = told(world)?;
    ensure(!told.version.is_empty(), "a version", "an empty one")
}

#[then(
    regex = r"^the answer reports (the required resource|the optional resource|no resource) as (degraded|unhealthy)(, and every other component as healthy)?$"
)]
async fn calls(
    world: &mut World,
    resources: Resources,
    status: String,
    others: String,
) -> StepResult {
    let told = told(world)?;
    let named = resources.of(world.component)?.into_iter();
    let named: Vec<&str> = named.map(|it| it.name).collect();
    let mut wrong = Vec::new();
    for component in &told.components {
        let is_named = named.contains(&component.name.as_str());
        let wanted = if is_named { status.as_str() } else { "healthy" };
        if component.status != wanted && (is_named || !others.is_empty()) {
            wrong.push(format!(
                "{} is {} instead of {wanted}",
                component.name, component.status
            ));
        }
    }
    let missing = named
        .iter()
        .filter(|name| !told.components.iter().any(|it| it.name == **name));
    wrong.extend(missing.map(|it| format!("{it} is not listed")));
    ensure(
        wrong.is_empty(),
        format!("{named:?} {status}"),
        wrong.join("; "),
    )
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
    let named: Vec<&str> = resources
        .of(world.component)?
        .into_iter()
        .map(|it| it.name)
        .collect();
    let slot = world.deployment().await?.slot(0)?;
    holds_for(
        format!("{status} for {named:?} alone"),
        window.0,
        async || {
            let answer = health(slot, &samples).await?;
            let told = health_answer::parse(&answer.body).map_err(|it| it.join("; "))?;
            let wrong = told.components.iter().find(|it| {
                let is_named = named.contains(&it.name.as_str());
                it.status != if is_named { status.as_str() } else { "healthy" }
            });
            wrong.map_or(Ok(()), |it| Err(format!("{} is {}", it.name, it.status)))
        },
    )
    .await
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
    let samples = world.health.samples.clone();
    let named = resources.of(world.component)?;
    let name = named.first().map_or("", |it| it.name);
    let slot = world.deployment().await?.slot(0)?;
    let most = patience.stretch(most.0).as_secs_f64() * 1000.0;
    let least = least.0.as_secs_f64() * 1000.0;
    eventually(
        format!("a check of {name} that took at least {least} ms"),
        patience.stretch(limit.0),
        async || {
            let answer = health(slot, &samples).await?;
            let told = match health_answer::parse(&answer.body) {
                Ok(told) => told,
                Err(wrong) => return Ok(Err(wrong.join("; "))),
            };
            let component = told.components.into_iter().find(|it| it.name == name);
            let Some(component) = component else {
                return Ok(Err(format!("{name} is not listed")));
            };
            if component.status != "healthy" || component.latency_ms > most {
                return Ok(Err(format!(
                    "{name} is {} after {} ms",
                    component.status, component.latency_ms
                )));
            }
            if component.latency_ms >= least {
                Ok(Ok(()))
            } else {
                Err(format!("latency_ms {}", component.latency_ms))
            }
        },
    )
    .await?
    .map_err(|got| Failure::mismatch(format!("{name} healthy after {least} to {most} ms"), got))
}

#[then("no answer holds a password or a connection string")]
async fn holds_no_secret(world: &mut World) -> StepResult {
    let passwords = world.own()?.passwords().into_iter();
    let mut secrets: Vec<String> = passwords.map(str::to_owned).collect();
    secrets.extend(
        [
            REFUSED.0,
            REFUSED.1,
            "postgres://",
            "postgresql://",
            "redis://",
            "jdbc:",
            "password=",
        ]
        .map(str::to_owned),
    );
    let answers = &world.health.answers;
    let wrong = answers.iter().filter(|it| {
        secrets
            .iter()
            .any(|secret| it.body.to_lowercase().contains(&secret.to_lowercase()))
    });
    let wrong = wrong.map(|it| it.body.clone()).collect();
    super::super::users::outcomes::all("no password and no connection string", wrong, answers.len())
}
