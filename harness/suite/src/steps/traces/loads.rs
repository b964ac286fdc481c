//! Many calls, and a collector that fails (TRC-1, TRC-7).

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::eventually;
use conformance_engine::observe::spans::TraceContext;
use cucumber::{given, then};

use super::EXPORT_LIMIT;
use super::calls::{PlannedCall, call_often, ended, is_answered};
use crate::checks::all;
use crate::checks::trace_tree::{self, Hop};
use crate::drivers::users::Users;
use crate::world::World;

/// Spans that a scenario may cause in all, a few of them by probes (TRC-1: up to 2,000).
const MOST_SPANS: usize = 1_900;

/// How much longer a call may take because its collector fails.
const DELAY_LIMIT: Duration = Duration::from_secs(1);

/// A call whose spans are counted. It needs no user, and it always reaches the database.
const COUNTED: &str = "ListUsers";

#[given("calls were made that leave close to 2,000 spans")]
async fn close_to_the_limit(world: &mut World) -> StepResult {
    let each = spans_of_a_call(world).await?;
    let planned = PlannedCall::of(world, COUNTED)?;
    let wanted = MOST_SPANS / each.max(1);
    call_often(world, planned, wanted, Some(true)).await?;
    let made = world.traces.calls.len();
    if made < wanted {
        return Err(Failure::broken(format!(
            "only {made} of {wanted} calls were made in time, too few to judge: the machine is too slow (try fewer --jobs)"
        )));
    }
    Ok(())
}

/// How many spans a call leaves in the program, seen at the shared deployment, which exports them quickly.
async fn spans_of_a_call(world: &mut World) -> StepResult<usize> {
    let planned = PlannedCall::of(world, COUNTED)?;
    let shared = world.environment.shared(world.component).await?;
    let interface = shared.slot(0)?.users_interface(world.component)?;
    let client = Users::connect(&interface, &world.scenario)?;
    let subscription = world.environment.collector().await?.subscribe();
    let context = TraceContext::random(true);
    subscription.follow_trace(context.trace);
    planned.make(client, Some(context.to_string())).await;
    let hops = Hop::of_program(shared.service_name());
    let limit = world.scenario.patience.stretch(EXPORT_LIMIT);
    eventually("a complete trace", limit, async || {
        let trace = subscription.trace(context.trace);
        trace_tree::complete(&trace, Some(context.span), &hops)?;
        let spans = trace.spans();
        let of_program = spans.filter(|span| span.service() == shared.service_name());
        Ok::<_, String>(of_program.count())
    })
    .await
}

#[then("every call is answered, and none takes a second longer")]
async fn none_takes_longer(world: &mut World) -> StepResult {
    let calls = &world.traces.calls;
    let limit = world.scenario.patience.stretch(DELAY_LIMIT);
    let wrong = calls
        .iter()
        .filter(|it| !is_answered(it) || it.took > limit);
    let wrong: Vec<String> = wrong.map(ended).collect();
    all("an answer within 1 s", wrong, calls.len())
}
