//! What Jaeger holds of the traces that a collector forwards to it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use conformance_engine::backends::jaeger::Jaeger;
use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::collector::{Answer, Forward};
use conformance_engine::observe::eventually;
use conformance_engine::observe::spans::{Span, Trace};
use cucumber::{given, then};

use super::EXPORT_LIMIT;
use super::deployments::start_with_collector;
use super::trees::become_complete;
use crate::drivers::jaeger::JaegerQuery;
use crate::world::World;

/// How long Jaeger may take until a query shows what it has accepted.
const INGESTION_LIMIT: Duration = Duration::from_secs(5);

/// The Jaeger of the run, started when the first scenario needs it.
async fn jaeger(world: &World) -> StepResult<Arc<Jaeger>> {
    Ok(world.environment.backends.handle().await?)
}

#[given("a deployment of its own whose collector forwards to Jaeger")]
async fn forwards_to_jaeger(world: &mut World) -> StepResult {
    let address = jaeger(world).await?.otlp_address();
    let forward = Forward::to(address).map_err(Failure::broken)?;
    let name = format!("{}-{}", world.component.name, world.scenario.id);
    start_with_collector(world, Answer::Forward(forward), &[("SERVICE_NAME", &name)]).await
}

#[then("Jaeger holds the spans of each trace that the collector holds")]
async fn holds_the_spans(world: &mut World) -> StepResult {
    let hops = world.hops().await?;
    let traces = become_complete(world, &hops, EXPORT_LIMIT).await?;
    let query = JaegerQuery::new(jaeger(world).await?.query_url());
    let limit = world.scenario.patience.stretch(INGESTION_LIMIT);
    for trace in traces {
        eventually("the spans of a trace", limit, async || {
            holds(&query, &trace).await
        })
        .await?;
    }
    Ok(())
}

/// Whether Jaeger holds each span of a trace.
async fn holds(query: &JaegerQuery, trace: &Trace) -> Result<(), String> {
    let spans: Vec<&Arc<Span>> = trace.spans().collect();
    let first = spans.first().ok_or("a trace without a span")?;
    let found = query.spans(&first.trace.to_string()).await?;
    let is_missing = |it: &&&Arc<Span>| !found.contains(&(it.id.to_string(), it.name.clone()));
    match spans.iter().find(is_missing) {
        Some(missing) => Err(format!("{missing} is missing in {found:?}")),
        None => Ok(()),
    }
}

#[then("Jaeger lists the service and the operations of its spans")]
async fn lists_the_operations(world: &mut World) -> StepResult {
    let hops = world.hops().await?;
    let traces = become_complete(world, &hops, EXPORT_LIMIT).await?;
    let service = world.deployment().await?.service_name().to_owned();
    let spans = traces.iter().flat_map(Trace::spans);
    let wanted: BTreeSet<String> = spans.map(|span| span.name.clone()).collect();
    let query = JaegerQuery::new(jaeger(world).await?.query_url());
    let limit = world.scenario.patience.stretch(INGESTION_LIMIT);
    eventually(format!("{service} with {wanted:?}"), limit, async || {
        let services = query.services().await?;
        let operations = query.operations(&service).await?;
        if services.contains(&service) && operations.is_superset(&wanted) {
            return Ok(());
        }
        Err(format!("services {services:?}, operations {operations:?}"))
    })
    .await
}
