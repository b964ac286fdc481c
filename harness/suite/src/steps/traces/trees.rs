//! Whether traces are complete (TRC-1, TRC-3).

use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::eventually;
use conformance_engine::observe::spans::{Trace, TraceContext};
use cucumber::then;

use super::EXPORT_LIMIT;
use super::calls::{ended, is_answered};
use crate::checks::all;
use crate::checks::trace_tree::{self, Hop};
use crate::params::Span;
use crate::world::World;
use crate::world::traces::TracedCall;

/// How many incomplete traces a message shows.
const SHOWN: usize = 3;

/// The calls with a sampled context, and when the last of all calls was answered.
pub(super) fn sampled(world: &World) -> StepResult<Vec<(&TracedCall, TraceContext)>> {
    let calls = world.traces.calls.iter();
    let sampled = calls.filter_map(|call| Some((call, call.context?)));
    let sampled: Vec<_> = sampled.filter(|(_, context)| context.sampled).collect();
    if sampled.is_empty() {
        return Err(Failure::broken(
            "the scenario made no call with a traceparent",
        ));
    }
    Ok(sampled)
}

/// Waits until the trace of each call with a sampled context is complete, at most so long after the last answer.
pub(super) async fn become_complete(
    world: &World,
    hops: &[Hop],
    limit: Duration,
) -> StepResult<Vec<Trace>> {
    let calls = sampled(world)?;
    let subscription = world.subscription()?;
    let last = calls.iter().map(|(call, _)| call.ended).max();
    let passed = last.map_or(Duration::ZERO, |it: Instant| it.elapsed());
    let left = world
        .scenario
        .patience
        .stretch(limit)
        .saturating_sub(passed);
    let what = format!("{} complete traces", calls.len());
    eventually(what, left, async || {
        let mut traces = Vec::new();
        let mut incomplete = Vec::new();
        for (call, context) in &calls {
            let trace = subscription.trace(context.trace);
            match trace_tree::complete(&trace, Some(context.span), hops) {
                Ok(_) => traces.push(trace),
                Err(why) => incomplete.push(format!("{}: {why}", call.method)),
            }
        }
        if incomplete.is_empty() {
            return Ok(traces);
        }
        let count = incomplete.len();
        incomplete.truncate(SHOWN);
        Err(format!(
            "{count} are not complete: {}",
            incomplete.join("; ")
        ))
    })
    .await
}

#[then("its trace is complete")]
async fn is_complete(world: &mut World) -> StepResult {
    let hops = world.hops().await?;
    become_complete(world, &hops, EXPORT_LIMIT).await.map(drop)
}

#[then(expr = "the trace of each call is complete within {duration}")]
async fn is_complete_within(world: &mut World, limit: Span) -> StepResult {
    let hops = world.hops().await?;
    become_complete(world, &hops, limit.0).await.map(drop)
}

/// After its end a program exports nothing more: what is missing then is lost.
#[then("no span of these calls is lost")]
async fn none_is_lost(world: &mut World) -> StepResult {
    let hops = world.hops().await?;
    become_complete(world, &hops, Duration::ZERO)
        .await
        .map(drop)
}

/// Checks that each call has left one trace that the program began: as many as there were calls, none with an id that
/// was sent.
#[then("each call has begun a trace of its own")]
async fn has_begun_a_trace(world: &mut World) -> StepResult {
    let hops = world.hops().await?;
    let limit = world.scenario.patience.stretch(EXPORT_LIMIT);
    let count = world.traces.calls.len();
    let what = format!("{count} traces that the program began");
    let world = &*world;
    eventually(what, limit, async || {
        let traces = world.request_traces().map_err(|it| it.to_string())?;
        let wrong = traces.iter().find_map(|trace| fault(world, trace, &hops));
        match wrong {
            Some(wrong) => Err(wrong),
            None if traces.len() != count => Err(format!("{} traces", traces.len())),
            None => Ok(()),
        }
    })
    .await
}

/// What is wrong with a trace that the program had to begin.
fn fault(world: &World, trace: &Trace, hops: &[Hop]) -> Option<String> {
    let id = trace.spans().next()?.trace.to_string();
    let sent = world.traces.calls.iter().find_map(|call| {
        let sent = call.traceparent.as_ref()?;
        sent.contains(&id).then_some(sent)
    });
    match sent {
        Some(sent) => Some(format!("the trace of {sent:?} was continued")),
        None => trace_tree::complete(trace, None, hops).err(),
    }
}

#[then("every call is answered")]
async fn every_call_is_answered(world: &mut World) -> StepResult {
    let calls = &world.traces.calls;
    let wrong = calls.iter().filter(|call| !is_answered(call)).map(ended);
    all("an answer to each call", wrong.collect(), calls.len())
}
