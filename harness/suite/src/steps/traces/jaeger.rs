//! What Jaeger holds of the traces that a collector forwards to it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use conformance_engine::backends::jaeger::Jaeger;
use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::collector::{Answer, Forward};
use conformance_engine::observe::eventually;
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
        let spans: Vec<_> = trace.spans().cloned().collect();
        let named = spans.iter().map(|it| (it.id.to_string(), it.name.clone()));
        let wanted: BTreeSet<(String, String)> = named.collect();
        let id = spans[0].trace.to_string();
        eventually(format!("the spans {wanted:?}"), limit, async || {
            let found = query.spans(&id).await?;
            if found.is_superset(&wanted) {
                Ok(())
            } else {
                Err(format!("{found:?}"))
            }
        })
        .await?;
    }
    Ok(())
}

#[then("Jaeger lists the service and the operations of its spans")]
async fn lists_the_operations(world: &mut World) -> StepResult {
    let hops = world.hops().await?;
    let traces = become_complete(world, &hops, EXPORT_LIMIT).await?;
    let service = world.deployment().await?.service_name().to_owned();
    let spans = traces.iter().flat_map(|trace| trace.spans());
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
