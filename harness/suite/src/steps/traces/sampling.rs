//! Which calls leave a trace (TRC-6).

use std::collections::BTreeSet;

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::spans::{Trace, TraceId};
use cucumber::then;

use super::propagation::context;
use super::trees::{become_complete, sampled};
use crate::checks::all;
use crate::checks::trace_tree;
use crate::world::World;

/// Probability that a correct program fails a check of a share.
const ERROR_PROBABILITY: f64 = 1e-9;

fn id(trace: &Trace) -> Option<TraceId> {
    trace.spans().next().map(|span| span.trace)
}

fn ids(traces: &[Trace]) -> BTreeSet<TraceId> {
    traces.iter().filter_map(id).collect()
}

/// The program has ended: what has not arrived does not come any more.
#[then("exactly the calls with a sampled traceparent have left a trace, each of them complete")]
async fn exactly_the_sampled(world: &mut World) -> StepResult {
    let hops = world.hops().await?;
    become_complete(world, &hops, std::time::Duration::ZERO).await?;
    let calls = sampled(world)?;
    let wanted: BTreeSet<TraceId> = calls.iter().map(|(_, context)| context.trace).collect();
    let found = ids(&world.request_traces()?);
    ensure(
        found == wanted,
        format!("the traces of {} sampled calls and no other", wanted.len()),
        format!(
            "{} others, such as {:?}; {} missing",
            found.difference(&wanted).count(),
            found.difference(&wanted).next().map(ToString::to_string),
            wanted.difference(&found).count()
        ),
    )
}

#[then(regex = r"^a share of (0\.\d+) of the calls has left a trace, each of them complete$")]
async fn a_share(world: &mut World, share: f64) -> StepResult {
    let hops = world.hops().await?;
    let traces = world.request_traces()?;
    is_share(traces.len(), world.traces.calls.len(), share)?;
    let mut parts = traces.iter();
    let part = parts.find_map(|trace| trace_tree::complete(trace, None, &hops).err());
    part.map_or(Ok(()), |got| Err(Failure::mismatch("whole traces", got)))
}

/// Checks that so many of the calls are within the tolerance of the share. By Hoeffding's inequality a correct program
/// is beyond it with a probability of less than `ERROR_PROBABILITY`.
fn is_share(found: usize, calls: usize, share: f64) -> StepResult {
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    if calls == 0 {
        return Err(Failure::broken("the scenario made no call"));
    }
    let tolerance = ((2.0 / ERROR_PROBABILITY).ln() / (2.0 * count(calls))).sqrt();
    let observed = count(found) / count(calls);
    ensure(
        (observed - share).abs() <= tolerance,
        format!("traces of {share} ± {tolerance:.3} of {calls} calls"),
        format!("{observed:.3}: {found} traces"),
    )
}

/// The caller's decision goes to the callee: otherwise that would decide anew, and export a part of a trace.
#[then("each call to the user service is sampled exactly if its trace was exported")]
async fn calls_are_sampled(world: &mut World) -> StepResult {
    let exported = ids(&world.request_traces()?);
    let calls = world.deployment().await?.double()?.calls();
    ensure(!calls.is_empty(), "calls of the user service", "none")?;
    let wrong = calls.iter().filter_map(|call| match context(call) {
        Ok(it) if it.sampled == exported.contains(&it.trace) => None,
        Ok(it) => Some(format!("{} came with {it}", call.method())),
        Err(error) => Some(error),
    });
    all("the decision of the trace", wrong.collect(), calls.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_a_tolerance_that_shrinks_with_the_number_of_calls() {
        assert_eq!(is_share(250, 1000, 0.25), Ok(()));
        assert_eq!(is_share(340, 1000, 0.25), Ok(()));
        assert!(is_share(360, 1000, 0.25).is_err());
        assert!(is_share(0, 1000, 0.25).is_err());
        assert!(is_share(1000, 1000, 0.25).is_err());
        assert!(is_share(3400, 10_000, 0.25).is_err());
        assert!(matches!(is_share(0, 0, 0.5), Err(Failure::Broken { .. })));
    }
}
