//! Deployments whose traces or collector are of the scenario's own.

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::network::link::Link;
use conformance_engine::observe::collector::{Answer, Collector};
use cucumber::gherkin::Step;
use cucumber::given;

use crate::environment::deployment::{COLLECTOR_VARIABLE, Settings};
use crate::steps::deployment::settings;
use crate::world::World;
use crate::world::traces::OwnCollector;

/// A deployment with a service name that no other program has: its traces can be found without their ids.
#[given("a deployment of its own with a service name of its own")]
async fn own_name(world: &mut World) -> StepResult {
    start_named(world, Settings::default()).await
}

#[given("a deployment of its own with a service name of its own, and")]
async fn own_name_and(world: &mut World, step: &Step) -> StepResult {
    start_named(world, settings(step)?).await
}

async fn start_named(world: &mut World, mut settings: Settings) -> StepResult {
    let name = format!("{}-{}", world.component.name, world.scenario.id);
    settings.set("SERVICE_NAME", &name);
    world.subscribe().await?.follow_service(&name);
    world.prepare(settings).await?.start_ready().await?;
    Ok(())
}

#[given(
    regex = r"^a deployment of its own whose collector (refuses connections|hangs|drops every connection|fails with UNAVAILABLE|never answers|answers after 3 s|rejects every span)$"
)]
async fn failing_collector(world: &mut World, how: String) -> StepResult {
    let upstream = match how.as_str() {
        "drops every connection" => Upstream::ClosedPort,
        _ => Upstream::Collector,
    };
    let link = own_collector(world, answer(&how), upstream).await?;
    match how.as_str() {
        "refuses connections" => link.cut().await,
        "hangs" => link.hang().await,
        _ => {}
    }
    start_behind_link(world, &[]).await
}

/// Starts a deployment with a collector of its own that gives this answer.
pub(super) async fn start_with_collector(
    world: &mut World,
    answer: Answer,
    others: &[(&str, &str)],
) -> StepResult {
    own_collector(world, answer, Upstream::Collector).await?;
    start_behind_link(world, others).await
}

/// Starts a deployment that exports to the link in front of the scenario's own collector.
async fn start_behind_link(world: &mut World, others: &[(&str, &str)]) -> StepResult {
    let mut settings = Settings::default();
    if let Some(own) = &world.traces.collector {
        settings.set(COLLECTOR_VARIABLE, format!("http://{}", own.link.address()));
    }
    for (name, value) in others {
        settings.set(*name, *value);
    }
    world.prepare(settings).await?.start_ready().await?;
    Ok(())
}

/// Where the link in front of a collector leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Upstream {
    /// To the collector.
    Collector,
    /// To a port on which no program listens: connections are accepted and dropped.
    ClosedPort,
}

/// The answer of a collector to an export that reaches it.
fn answer(how: &str) -> Answer {
    match how {
        "fails with UNAVAILABLE" => Answer::Unavailable,
        "never answers" => Answer::Never,
        "answers after 3 s" => Answer::After(Duration::from_secs(3)),
        "rejects every span" => Answer::RejectSpans,
        _ => Answer::Accept,
    }
}

/// Starts a collector of the scenario's own; the result is the link in front of it.
async fn own_collector(world: &mut World, answer: Answer, upstream: Upstream) -> StepResult<&Link> {
    let ports = &world.environment.home().ports;
    let unused = ports.take().map_err(Failure::broken)?;
    let collector = Collector::start(ports, answer).await;
    let collector = collector.map_err(Failure::broken)?;
    let address = match upstream {
        Upstream::Collector => collector.address(),
        Upstream::ClosedPort => ([127, 0, 0, 1], unused.number()).into(),
    };
    let link = Link::open(ports, address).await;
    let link = link.map_err(Failure::broken)?;
    let own = OwnCollector::new(collector, link, unused);
    let own = world.traces.collector.insert(own);
    Ok(&own.link)
}
