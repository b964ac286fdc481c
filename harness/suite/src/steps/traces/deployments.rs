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
    let link = own_collector(world, answer(&how), how == "drops every connection").await?;
    match how.as_str() {
        "refuses connections" => link.cut().await,
        "hangs" => link.hang().await,
        _ => {}
    }
    let mut settings = Settings::default();
    settings.set(COLLECTOR_VARIABLE, format!("http://{}", link.address()));
    world.prepare(settings).await?.start_ready().await?;
    Ok(())
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

/// Starts a collector of the scenario's own; the result is the link in front of it. One that leads to a closed port
/// accepts connections and drops them.
async fn own_collector(world: &mut World, answer: Answer, closed: bool) -> StepResult<&Link> {
    let ports = &world.environment.home().ports;
    let unused = ports.take().map_err(Failure::broken)?;
    let collector = Collector::start(ports, answer).await;
    let collector = collector.map_err(Failure::broken)?;
    let upstream = if closed {
        ([127, 0, 0, 1], unused.number()).into()
    } else {
        collector.address()
    };
    let link = Link::open(ports, upstream).await;
    let link = link.map_err(Failure::broken)?;
    let own = OwnCollector::new(collector, link, unused);
    let own = world.traces.collector.insert(own);
    Ok(&own.link)
}
