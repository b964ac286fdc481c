//! What Prometheus scrapes and computes (MET-1, MET-4, MET-5).

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::eventually;
use cucumber::{given, then, when};

use crate::drivers::promql::Scraped;
use crate::params::Span;
use crate::world::World;

/// How long Prometheus may take to scrape a new program: it looks for targets every few seconds.
const FIRST_SCRAPE_LIMIT: Duration = Duration::from_mins(1);

/// How long Prometheus may take to scrape and show what has changed: it scrapes every second.
const SCRAPE_LIMIT: Duration = Duration::from_secs(5);

#[given("Prometheus scrapes the program")]
#[when("Prometheus scrapes the program")]
async fn scrapes(world: &mut World) -> StepResult {
    let port = world.deployment().await?.slot(0)?.port("METRICS_PORT")?;
    let prometheus = world.environment.prometheus().await?;
    let scraped = Scraped::begin(prometheus, port)?;
    let first = eventually("the first scrape", FIRST_SCRAPE_LIMIT, async || {
        let up = scraped.is_up().await.map_err(|it| it.to_string())?;
        up.ok_or_else(|| "no scrape yet".to_owned())
    });
    // It has scraped a page of the suite's own: without any scrape, the program is not at fault.
    first.await.map_err(Failure::broken)?;
    world.telemetry.scraped = Some(scraped);
    Ok(())
}

#[then("the scrape succeeds")]
async fn succeeds(world: &mut World) -> StepResult {
    let scraped = world.telemetry.scraped()?;
    let up = scraped.is_up().await?;
    let samples = scraped.value("scrape_samples_scraped{#}").await?;
    let error = scraped.last_error().await?;
    ensure(
        up == Some(true) && samples.is_some_and(|it| it > 0.0),
        "a scrape that succeeds",
        format!("up {up:?}, {samples:?} samples, {error:?}"),
    )
}

/// Waits until a query has the value that `right` accepts.
async fn shows(
    what: String,
    limit: Duration,
    query: impl AsyncFn() -> StepResult<Option<f64>>,
    right: impl Fn(f64) -> bool,
) -> StepResult {
    eventually(what, limit, async || {
        let value = query().await.map_err(|it| it.to_string())?;
        match value {
            Some(value) if right(value) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
}

#[given(regex = r"^it has scraped every request so far in `(\w+)`$")]
async fn has_scraped(world: &mut World, family: String) -> StepResult {
    let limit = world.scenario.patience.stretch(SCRAPE_LIMIT);
    let page = super::counted::now_at_rest(world).await?;
    let sum: f64 = page.values(&family).values().sum();
    let scraped = world.telemetry.scraped()?;
    let query = async || scraped.sum(&family).await;
    let right = |value: f64| (value - sum).abs() < 0.5;
    shows(format!("{sum} requests"), limit, query, right).await
}

#[then(regex = r"^Prometheus shows (\d+) more requests in `(\w+)`, by `increase` too$")]
async fn shows_more(world: &mut World, count: f64, family: String) -> StepResult {
    let limit = world.scenario.patience.stretch(SCRAPE_LIMIT);
    let scraped = world.telemetry.scraped()?;
    let grown = async || scraped.growth(&family).await;
    let what = format!("{count} more requests");
    shows(what, limit, grown, |it| (it - count).abs() < 0.5).await?;
    // `increase` extrapolates to the time before the first scrape and after the newest.
    let what = format!("an increase of about {count}");
    let increase = async || scraped.increase(&family).await;
    let about = count * 0.9..=count * 2.0;
    shows(what, limit, increase, |value| about.contains(&value)).await
}

#[then(
    regex = r"^Prometheus computes a median of (\d+ ms) to (\d+ ms) from the buckets of `(\w+)`$"
)]
async fn computes(world: &mut World, least: Span, most: Span, family: String) -> StepResult {
    let limit = world.scenario.patience.stretch(SCRAPE_LIMIT);
    let scraped = world.telemetry.scraped()?;
    let median = async || scraped.quantile(0.5, &family).await;
    let (least, most) = (least.0.as_secs_f64(), most.0.as_secs_f64());
    let what = format!("a median of {least} to {most} s");
    shows(what, limit, median, |it| (least..=most).contains(&it)).await
}
