//! Traces and their collector.
//!
//! - [`deployments`]: deployments whose traces or collector are of the scenario's own
//! - [`calls`]: calls with and without `traceparent`
//! - [`trees`]: whether traces are complete
//! - [`propagation`]: what a gateway passes on to the user service
//! - [`attributes`]: resources, names, attributes and statuses of spans
//! - [`sampling`]: which calls leave a trace
//! - [`loads`]: many calls, and a collector that fails
//! - [`jaeger`]: what Jaeger holds

pub mod attributes;
pub mod calls;
pub mod deployments;
pub mod jaeger;
pub mod loads;
pub mod propagation;
pub mod sampling;
pub mod trees;

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::collector::Subscription;
use conformance_engine::observe::spans::{Kind, Trace};

use crate::checks::span_attributes::is_probe;
use crate::checks::trace_tree::Hop;
use crate::contract::components::ResourceKind;
use crate::contract::components::user_service::USER_SERVICE;
use crate::world::World;

/// How long after its end a span arrives at the latest, with the `OTEL_BSP_SCHEDULE_DELAY` of the suite (TRC-1).
const EXPORT_LIMIT: Duration = Duration::from_millis(5_100);

impl World {
    /// The subscription of the scenario, made when first needed.
    async fn subscribe(&mut self) -> StepResult<&Subscription> {
        if self.traces.subscription.is_none() {
            let subscription = match &self.traces.collector {
                Some(own) => own.collector.subscribe(),
                None => self.environment.collector().await?.subscribe(),
            };
            self.traces.subscription = Some(subscription);
        }
        self.subscription()
    }

    /// The subscription of the scenario; an error of the suite if a bound of it was reached.
    fn subscription(&self) -> StepResult<&Subscription> {
        match &self.traces.subscription {
            Some(it) if it.overflowed() => Err(Failure::broken("more spans than the suite keeps")),
            Some(subscription) => Ok(subscription),
            None => Err(Failure::broken("the scenario follows no trace")),
        }
    }

    /// The spans that a request leaves: in the program, and in the user service behind it if that is no double.
    async fn hops(&mut self) -> StepResult<Vec<Hop>> {
        let deployment = self.deployment().await?;
        let mut hops = Hop::of_program(deployment.service_name()).to_vec();
        let calls_users = deployment.component().uses(ResourceKind::UserService);
        if calls_users && deployment.double().is_err() {
            hops.extend(Hop::of_program(USER_SERVICE.name));
        }
        Ok(hops)
    }

    /// The traces of requests, probes left out: those with a SERVER span.
    fn request_traces(&self) -> StepResult<Vec<Trace>> {
        let subscription = self.subscription()?;
        let traces = subscription.traces().into_iter();
        let is_request = |trace: &Trace| {
            let mut servers = trace.spans().filter(|span| span.kind == Kind::Server);
            servers.any(|span| !is_probe(span))
        };
        let traces = traces.map(|id| subscription.trace(id));
        Ok(traces.filter(is_request).collect())
    }
}
