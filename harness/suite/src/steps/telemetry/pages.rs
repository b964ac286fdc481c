//! Pages of metrics and their families (MET-1, MET-2, MET-4).

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::eventually;
use conformance_engine::observe::exposition::{Exposition, Kind};
use cucumber::gherkin::Step;
use cucumber::{then, when};

use super::{RECORD_LIMIT, page_of};
use crate::checks::all;
use crate::checks::metrics;
use crate::checks::metrics::families::{self, ExpectedFamily};
use crate::drivers;
use crate::environment::deployment::START_LIMIT;
use crate::steps::users::table;
use crate::world::World;

#[when("`/metrics` is read without Accept")]
async fn is_read(world: &mut World) -> StepResult {
    let port = world.deployment().await?.slot(0)?.port("METRICS_PORT")?;
    let answer = drivers::metrics::read(port).await;
    let note = answer
        .as_ref()
        .map_or_else(Clone::clone, |it| it.status.to_string());
    world.scenario.journal.note(format!("GET /metrics: {note}"));
    world.telemetry.page = Some(answer);
    Ok(())
}

/// The page that was read, as text and as families.
fn page(world: &World) -> StepResult<(String, Exposition)> {
    let missing = || Failure::broken("the scenario has read no page");
    let answer = world.telemetry.page.as_ref().ok_or_else(missing)?;
    let read = match answer {
        Ok(answer) => metrics::read(answer)
            .map(|page| (String::from_utf8_lossy(&answer.body).into_owned(), page)),
        Err(error) => Err(error.clone()),
    };
    read.map_err(|got| Failure::mismatch("a page of Prometheus text 0.0.4", got))
}

#[then("the page is Prometheus text 0.0.4")]
async fn is_text(world: &mut World) -> StepResult {
    let (_, page) = page(world)?;
    ensure(page.series() > 0, "a page with series", "an empty one")
}

#[then("the page that is read then is Prometheus text 0.0.4")]
async fn is_text_then(world: &mut World) -> StepResult {
    is_read(world).await?;
    is_text(world).await
}

#[then("promtool accepts the families of the contract")]
async fn promtool_accepts(world: &mut World) -> StepResult {
    let (text, _) = page(world)?;
    let lines = families::contract_lines(&text);
    ensure(
        !lines.is_empty(),
        "families of the contract",
        "none on the page",
    )?;
    let problems = drivers::promtool::check(&lines).await?;
    ensure(problems.is_empty(), "no problem", problems.join("; "))
}

/// The families of a table, and the last column of each row.
fn expected(step: &Step) -> StepResult<Vec<ExpectedFamily>> {
    let rows = table(step, &["family", "type", "labels"])?;
    let parse = |row: &Vec<String>| {
        let labels = row[2].split(", ").filter(|it| !it.is_empty());
        let mut labels: Vec<String> = labels.map(str::to_owned).collect();
        labels.sort_unstable();
        let unknown = || Failure::broken(format!("{:?} is no type", row[1]));
        Ok(ExpectedFamily {
            name: row[0].clone(),
            kind: Kind::of_word(&row[1]).ok_or_else(unknown)?,
            labels,
        })
    };
    rows.iter().map(parse).collect()
}

#[then("the first page that it serves has these families, each with HELP")]
async fn first_page_has_families(world: &mut World, step: &Step) -> StepResult {
    let limit = world.environment.stretch_start(START_LIMIT);
    let expected = expected(step)?;
    let slot = world.deployment().await?.slot(0)?;
    let page = eventually("a page of metrics", limit, async || page_of(slot).await).await?;
    let wrong = expected.iter().flat_map(|it| families::faults(&page, it));
    all("the family as listed", wrong.collect(), expected.len())
}

/// Waits until nothing on the page of the first instance is wrong.
async fn nothing_wrong(
    world: &mut World,
    what: &str,
    faults: impl Fn(&Exposition) -> Vec<String>,
) -> StepResult {
    let limit = world.scenario.patience.stretch(RECORD_LIMIT);
    let slot = world.deployment().await?.slot(0)?;
    eventually(what, limit, async || {
        let wrong = faults(&page_of(slot).await?);
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("; "))
        }
    })
    .await
}

#[then("these families are there, each with HELP")]
async fn families_are_there(world: &mut World, step: &Step) -> StepResult {
    let expected = expected(step)?;
    nothing_wrong(world, "the families as listed", |page| {
        expected
            .iter()
            .flat_map(|it| families::faults(page, it))
            .collect()
    })
    .await
}

/// The rows of a table of families and the bounds of their buckets.
fn bounds(step: &Step) -> StepResult<Vec<(String, Vec<f64>)>> {
    let parse = |row: &Vec<String>| {
        let bounds = row[1]
            .split(' ')
            .map(|it| it.parse().map_err(Failure::broken));
        Ok((row[0].clone(), bounds.collect::<StepResult<Vec<f64>>>()?))
    };
    table(step, &["family", "buckets"])?
        .iter()
        .map(parse)
        .collect()
}

#[then("every histogram of these families has these buckets")]
async fn have_buckets(world: &mut World, step: &Step) -> StepResult {
    let rows = bounds(step)?;
    nothing_wrong(world, "the buckets as listed", |page| {
        let faults =
            |(name, bounds): &(String, Vec<f64>)| families::bucket_faults(page, name, bounds);
        rows.iter().flat_map(faults).collect()
    })
    .await
}
