//! What counters and histograms hold of the requests that were made (MET-3 to MET-5).

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::exposition::histogram::Histogram;
use conformance_engine::observe::exposition::{Exposition, Labels};
use conformance_engine::observe::{eventually, holds_for};
use cucumber::gherkin::Step;
use cucumber::{given, then};

use super::{QUIET_WINDOW, RECORD_LIMIT, page_of};
use crate::checks::metrics::counts::{
    agree, are_between, each_once, growth, is_one_between, observed, request_families,
};
use crate::environment::deployment::Slot;
use crate::params::Span;
use crate::steps::users::table;
use crate::world::World;

/// How long requests may take to be recorded after their end, all of them.
const REST_LIMIT: Duration = Duration::from_secs(2);

/// The metrics of an instance at rest: two pages in a row that have counted the same.
async fn at_rest(slot: &Slot, limit: Duration) -> StepResult<Exposition> {
    let counters =
        |page: &Exposition| [true, false].map(|http| page.values(request_families(http).0));
    let mut last = None;
    eventually("metrics at rest", limit, async || {
        let page = page_of(slot).await?;
        let before = last.replace(counters(&page));
        let same = before.is_some_and(|it| it == counters(&page));
        same.then_some(page)
            .ok_or_else(|| "other counts than before".to_owned())
    })
    .await
}

#[given("the metrics were read")]
pub async fn read_at_rest(world: &mut World) -> StepResult {
    let limit = world.scenario.patience.stretch(REST_LIMIT);
    let deployment = world.deployment().await?;
    let mut pages = Vec::new();
    for slot in deployment.slots() {
        pages.push(at_rest(slot, limit).await?);
    }
    world.telemetry.before = pages.into_iter().enumerate().collect();
    Ok(())
}

/// The metrics of the first instance at rest.
pub async fn now_at_rest(world: &mut World) -> StepResult<Exposition> {
    let limit = world.scenario.patience.stretch(REST_LIMIT);
    at_rest(world.deployment().await?.slot(0)?, limit).await
}

/// Checks that each request that was made is counted once, within `limit`, and none a second time after that.
async fn each_is_counted_once(world: &mut World, limit: Duration) -> StepResult {
    let limit = world.scenario.patience.stretch(limit);
    let finished = world.telemetry.finished.clone();
    let Some(first) = finished.first() else {
        return Err(Failure::broken("the scenario has made no request"));
    };
    let family = request_families(first.http.is_some()).0;
    let before = world.telemetry.before(0)?.clone();
    let slot = world.deployment().await?.slot(0)?;
    let counted = async || {
        let grown = growth(&before, &page_of(slot).await?, family)?;
        each_once(grown, &finished)
    };
    eventually("each request is counted once", limit, &counted).await?;
    holds_for("each request is counted once", QUIET_WINDOW, &counted).await
}

#[then("each of these requests is counted once, by its method, its route and its status")]
#[then("each of these calls is counted once, by its method and its code")]
async fn each_is_counted(world: &mut World) -> StepResult {
    each_is_counted_once(world, RECORD_LIMIT).await
}

#[then(regex = r"^within (\d+ s) each of these (?:requests|calls) is counted once$")]
async fn each_is_counted_within(world: &mut World, limit: Span) -> StepResult {
    each_is_counted_once(world, limit.0).await
}

#[then(regex = r"^counters and histograms hold the same requests over (HTTP|gRPC)$")]
async fn hold_the_same(world: &mut World, over: String) -> StepResult {
    let limit = world.scenario.patience.stretch(RECORD_LIMIT);
    let slot = world.deployment().await?.slot(0)?;
    eventually(
        "the same requests in counter and histogram",
        limit,
        async || agree(&page_of(slot).await?, over == "HTTP"),
    )
    .await
}

/// The growth of a histogram since the metrics were read, held against `right` until it holds.
async fn observes(
    world: &mut World,
    family: &str,
    wanted: &Labels,
    right: impl Fn(&Histogram) -> Result<(), String>,
) -> StepResult {
    let limit = world.scenario.patience.stretch(RECORD_LIMIT);
    let before = world.telemetry.before(0)?.clone();
    let slot = world.deployment().await?.slot(0)?;
    eventually(format!("the observations of {family}"), limit, async || {
        right(&observed(&before, &page_of(slot).await?, family, wanted)?)
    })
    .await
}

#[then("its duration is in the buckets of its seconds, in")]
async fn duration_is_in(world: &mut World, step: &Step) -> StepResult {
    let late = world.scenario.patience.stretch(Duration::ZERO);
    let Some(request) = world.telemetry.finished.first().cloned() else {
        return Err(Failure::broken("the scenario has made no request"));
    };
    let method = Labels::from([("method".to_owned(), request.method.clone())]);
    let times = (
        request.held.as_secs_f64(),
        (request.took + late).as_secs_f64(),
    );
    for row in table(step, &["family"])? {
        observes(world, &row[0], &method, |it| is_one_between(it, times)).await?;
    }
    Ok(())
}

#[then(regex = r"^the queries took (\d+ ms) or more, and less than the call, in `(\w+)`$")]
async fn queries_took(world: &mut World, least: Span, family: String) -> StepResult {
    let late = world.scenario.patience.stretch(Duration::ZERO);
    let took = world.telemetry.finished.iter().map(|it| it.took);
    let most = took.sum::<Duration>() + late;
    let times = (least.0.as_secs_f64(), most.as_secs_f64());
    observes(world, &family, &Labels::new(), |it| are_between(it, times)).await
}
