//! The health of a program over time, by its probes.
//!
//! - [`answers`]: the content of a single answer
//! - [`service`]: the health service of gRPC

pub mod answers;
pub mod service;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::network::link::Link;
use conformance_engine::observe::{elapse, eventually, holds_for};
use cucumber::{given, then, when};
use futures::future::try_join_all;

use crate::checks::all;
use crate::checks::frequency::{Shown, values_within};
use crate::checks::health_answer;
use crate::contract::components::Component;
use crate::drivers::probes::{self, ProbeAnswer};
use crate::environment::deployment::{START_LIMIT, Slot};
use crate::params::{Span, State};
use crate::world::World;
use crate::world::health::HealthSample;

/// HLT-7 with the suite's test settings: `HEALTH_CACHE_TTL` + `HEALTH_CHECK_TIMEOUT` + 5 s.
pub const RECOVERY_LIMIT: Duration = Duration::from_millis(6500);

/// How soon after the signal a program takes no new work (CFG-8).
pub const REFUSAL_LIMIT: Duration = Duration::from_secs(1);

/// How long `/live` takes at most (HLT-1).
const LIVE_LIMIT: Duration = Duration::from_secs(2);

/// How long a scenario waits for a state that it starts from.
const SET_UP: Duration = Duration::from_secs(30);

/// How much the clock that both programs read may be set back between two looks at it.
const CLOCK: TimeDelta = TimeDelta::milliseconds(50);

/// What is wrong with an answer to `/health` of any content (HLT-2).
fn fault(sample: &HealthSample, component: &Component) -> Option<String> {
    let json = sample.answer.json().map_err(|wrong| vec![wrong]);
    let parsed = json.and_then(|_| health_answer::parse(&sample.answer.body));
    let answer = match parsed {
        Ok(answer) => answer,
        Err(wrong) => return Some(wrong.join("; ")),
    };
    let names: BTreeSet<&str> = answer
        .components
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    let wanted: BTreeSet<&str> = component.resources.iter().map(|it| it.name).collect();
    if names != wanted {
        return Some(format!("the components {names:?} instead of {wanted:?}"));
    }
    let ahead = answer.timestamp > sample.at + CLOCK;
    ahead.then(|| {
        format!(
            "the timestamp {} in an answer at {}",
            answer.timestamp, sample.at
        )
    })
}

/// Requests `/health` and records the answer.
async fn health(slot: &Slot, samples: &Mutex<Vec<HealthSample>>) -> Result<ProbeAnswer, String> {
    let sent = Instant::now();
    let answer = probes::get(&slot.http_url("/health")).await?;
    let sample = HealthSample {
        sent,
        received: Instant::now(),
        at: Utc::now(),
        answer: answer.clone(),
    };
    samples
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(sample);
    Ok(answer)
}

#[then("the very first health answer is complete")]
async fn first_answer_is_complete(world: &mut World) -> StepResult {
    let limit = world.environment.stretch_start(START_LIMIT);
    let at = world.look().await?;
    // As soon as its port is open.
    eventually("an answer of /health", limit, async || {
        health(at.slot, &at.samples).await
    })
    .await?;
    world.every_answer_is_sound()
}

/// How a program is looked at.
struct Look<'a> {
    slot: &'a Slot,
    samples: Arc<Mutex<Vec<HealthSample>>>,
    /// How long `/live` may take (HLT-1).
    live: Duration,
}

impl World {
    /// The program of the scenario's first instance, as its probes show it.
    async fn look(&mut self) -> StepResult<Look<'_>> {
        let samples = self.health.samples.clone();
        let live = self.scenario.patience.stretch(LIVE_LIMIT);
        let slot = self.deployment().await?.slot(0)?;
        Ok(Look {
            slot,
            samples,
            live,
        })
    }

    /// That every answer to `/health` so far was what each must be.
    fn every_answer_is_sound(&self) -> StepResult {
        let samples = self
            .health
            .samples
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let wrong = samples
            .iter()
            .find_map(|it| Some((it, fault(it, self.component)?)));
        wrong.map_or(Ok(()), |(sample, fault)| {
            let failure = Failure::mismatch("a complete health answer to every request", fault);
            Err(failure.detail(&sample.answer.body))
        })
    }
}

/// Probes the state once; the error holds the state that was seen instead.
async fn look(at: &Look<'_>, state: State) -> Result<(), String> {
    let Look { slot, samples, .. } = at;
    let (status, word, ready) = match state {
        State::Alive => return alive(at).await,
        State::Ready => return probes::is_ready(&slot.http_url("/ready")).await,
        State::AliveAndNotReady => {
            alive(at).await?;
            return is_503(slot).await;
        }
        State::Healthy => (200, "healthy", 200),
        State::Degraded => (207, "degraded", 200),
        State::Unhealthy => (503, "unhealthy", 503),
    };
    // Concurrently: where a check takes longer than its result is cached, the second request would wait for another.
    let url = slot.http_url("/ready");
    let (answer, is_ready) = tokio::join!(health(slot, samples), probes::get(&url));
    let (answer, is_ready) = (answer?, is_ready?);
    let json = answer.json()?;
    is_ready.json().map_err(|it| format!("/ready: {it}"))?;
    if answer.status != status || json["status"] != word {
        return Err(format!("/health {} {}", answer.status, answer.body));
    }
    if is_ready.status == ready {
        Ok(())
    } else {
        Err(format!(
            "/health reports {word}, /ready {}",
            is_ready.status
        ))
    }
}

async fn alive(at: &Look<'_>) -> Result<(), String> {
    let answer = probes::get(&at.slot.http_url("/live")).await?;
    if answer.took > at.live {
        return Err(format!("/live took {:?}", answer.took));
    }
    if answer.status == 200 && answer.json()? == serde_json::json!({"status": "alive"}) {
        Ok(())
    } else {
        Err(format!("/live {} {}", answer.status, answer.body))
    }
}

async fn is_503(slot: &Slot) -> Result<(), String> {
    let answer = probes::get(&slot.http_url("/ready")).await?;
    if answer.status == 503 {
        Ok(())
    } else {
        Err(format!("/ready {} {}", answer.status, answer.body))
    }
}

/// Waits for a state, at most for the limit of the contract and the allowance of the machine.
pub async fn becomes(world: &mut World, state: State, limit: Duration) -> StepResult {
    // As long as CFG-6 allows: the program was just started.
    let limit = if limit >= START_LIMIT {
        world.environment.stretch_start(limit)
    } else {
        world.scenario.patience.stretch(limit)
    };
    let at = world.look().await?;
    let waited = eventually(format!("the program is {state:?}"), limit, async || {
        if let Err(ended) = at.slot.runs_on() {
            return Ok(Err(ended));
        }
        look(&at, state).await.map(Ok)
    })
    .await;
    world.every_answer_is_sound()?;
    waited?.map_err(|ended| Failure::mismatch(format!("the program is {state:?}"), ended))?;
    world
        .scenario
        .journal
        .note(format!("the program is {state:?}"));
    Ok(())
}

async fn stays(world: &mut World, state: State, window: Duration) -> StepResult {
    let at = world.look().await?;
    holds_for(format!("the program is {state:?}"), window, async || {
        at.slot.runs_on()?;
        look(&at, state).await
    })
    .await?;
    world.every_answer_is_sound()
}

#[given(regex = r"^the program has become (healthy|degraded|unhealthy)$")]
async fn has_become(world: &mut World, state: State) -> StepResult {
    becomes(world, state, SET_UP).await
}

#[then(regex = r"^the program is (alive|ready|healthy|degraded|unhealthy) within (\d+ (?:ms|s))$")]
async fn is_within(world: &mut World, state: State, limit: Span) -> StepResult {
    becomes(world, state, limit.0).await
}

/// A pool may find a dead connection only when it uses it: until the limit the state may change back.
#[then(regex = r"^the program is (healthy|ready) within (\d+ (?:ms|s)), and stays so for (\d+ s)$")]
async fn settles(world: &mut World, state: State, limit: Span, window: Span) -> StepResult {
    let limit = world.scenario.patience.stretch(limit.0) + window.0;
    let at = world.look().await?;
    let what = format!("the program is {state:?}, for {:?},", window.0);
    eventually(what, limit, async || {
        holds_for(format!("the program is {state:?}"), window.0, async || {
            at.slot.runs_on()?;
            look(&at, state).await
        })
        .await
    })
    .await?;
    world.every_answer_is_sound()
}

#[then(
    regex = r"^the program stays (alive|healthy|degraded|unhealthy|alive and not ready) for (\d+ s)$"
)]
#[when(regex = r"^the program stays (healthy) for (\d+ ms)$")]
async fn stays_for(world: &mut World, state: State, window: Span) -> StepResult {
    stays(world, state, window.0).await
}

#[given("the program was started and is alive")]
async fn started_and_alive(world: &mut World) -> StepResult {
    world.own()?.start(0).await?;
    becomes(world, State::Alive, START_LIMIT).await
}

#[given(regex = r"^the program was started and stayed alive and not ready for (\d+ s)$")]
async fn started_and_not_ready(world: &mut World, window: Span) -> StepResult {
    started_and_alive(world).await?;
    stays(world, State::AliveAndNotReady, window.0).await
}

#[when(regex = r"^(\d+) clients keep requesting its health for (\d+ (?:ms|s))$")]
async fn clients_keep_requesting(world: &mut World, count: usize, window: Span) -> StepResult {
    let samples = world.health.samples.clone();
    // Earlier answers do not count.
    samples
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clear();
    let slot = world.deployment().await?.slot(0)?;
    let clients = (0..count).map(|number| keep_requesting(slot, &samples, number, window.0));
    try_join_all(clients).await.map(|_| ())
}

/// Requests `/health` and `/ready` over and over; an answer that does not come is a mismatch.
async fn keep_requesting(
    slot: &Slot,
    samples: &Mutex<Vec<HealthSample>>,
    number: usize,
    window: Duration,
) -> StepResult {
    let what = format!("client {number} gets answers");
    holds_for(what, window, async || {
        health(slot, samples).await?;
        probes::get(&slot.http_url("/ready")).await.map(|_| ())
    })
    .await
}

#[when(regex = r"^the required resource is hung for (\d+ s), while its health is requested$")]
async fn hung_while_requested(world: &mut World, window: Span) -> StepResult {
    let samples = world.health.samples.clone();
    let resource = world.component.required();
    let resource = resource.ok_or_else(|| Failure::broken("the component requires no resource"))?;
    let journal = world.scenario.journal.clone();
    let slot = world.deployment().await?.slot(0)?;
    let outage = hang_for(slot.link(resource)?, window.0);
    // Longer than the outage, so that the results of the checks that hung are seen.
    let requesting = holds_for("answers", window.0 + Duration::from_secs(1), async || {
        health(slot, &samples).await.map(|_| ())
    });
    journal.note(format!("{} hangs for {:?}", resource.phrase, window.0));
    tokio::join!(outage, requesting).1
}

async fn hang_for(link: &Link, window: Duration) {
    link.hang().await;
    elapse(window).await;
    link.restore().await;
}

#[then("every health answer was healthy")]
async fn every_answer_was_healthy(world: &mut World) -> StepResult {
    let samples = samples(world)?;
    let wrong = samples.iter().filter(|it| it.answer.status != 200);
    let wrong = wrong.map(|sample| format!("{} {}", sample.answer.status, sample.answer.body));
    let expected = "200 for every /health";
    all(expected, wrong.collect(), samples.len())
}

fn samples(world: &World) -> StepResult<Vec<HealthSample>> {
    world.every_answer_is_sound()?;
    let samples = world
        .health
        .samples
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    if samples.is_empty() {
        return Err(Failure::broken(
            "the scenario has no answer of /health to check",
        ));
    }
    Ok(samples)
}

#[then(regex = r"^calls within any (\d+ (?:ms|s)) saw at most (\d+) timestamps$")]
async fn saw_at_most(world: &mut World, window: Span, most: usize) -> StepResult {
    let samples = samples(world)?;
    let shown = samples.iter().map(|sample| {
        let expected = "an RFC 3339 timestamp in every answer";
        let timestamp = sample.timestamp();
        let missing = || Failure::mismatch(expected, &sample.answer.body);
        Ok(Shown {
            sent: sample.sent,
            received: sample.received,
            value: timestamp.ok_or_else(missing)?,
        })
    });
    values_within(&shown.collect::<StepResult<Vec<_>>>()?, window.0, most)
}

#[then(regex = r"^no health answer took longer than (\d+ s)$")]
async fn none_took_longer(world: &mut World, limit: Span) -> StepResult {
    let allowed = world.scenario.patience.stretch(limit.0);
    let samples = samples(world)?;
    let slowest = samples
        .iter()
        .map(|it| it.answer.took)
        .max()
        .unwrap_or_default();
    ensure(
        slowest <= allowed,
        format!("every answer within {:?}", limit.0),
        format!("one took {slowest:?}"),
    )
}

#[then(regex = r"^no answer was older than (\d+ (?:ms|s))$")]
async fn none_was_older(world: &mut World, limit: Span) -> StepResult {
    let allowed = world.scenario.patience.stretch(limit.0);
    let samples = samples(world)?;
    let is_old = |sample: &&HealthSample| sample.age().is_none_or(|age| age > allowed);
    let old = samples.iter().filter(is_old);
    let wrong = old.map(|sample| format!("{:?} old: {}", sample.age(), sample.answer.body));
    let expected = format!("answers at most {:?} old", limit.0);
    all(&expected, wrong.collect(), samples.len())
}

#[then(regex = r"^a newer health answer comes within (\d+ ms)$")]
async fn a_newer_answer_comes(world: &mut World, limit: Span) -> StepResult {
    let limit = world.scenario.patience.stretch(limit.0);
    let before = samples(world)?.last().and_then(HealthSample::timestamp);
    let notes = world.health.samples.clone();
    let slot = world.deployment().await?.slot(0)?;
    eventually("a newer answer", limit, async || {
        let answer = health(slot, &notes).await?;
        let answer = health_answer::parse(&answer.body).map_err(|wrong| wrong.join("; "))?;
        if Some(answer.timestamp) > before {
            Ok(())
        } else {
            Err(format!("still {}", answer.timestamp))
        }
    })
    .await
}
