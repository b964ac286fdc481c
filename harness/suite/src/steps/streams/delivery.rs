//! Delivery of changes, and ends of streams.

use std::collections::BTreeSet;
use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::{elapse, eventually, holds_for};
use cucumber::{given, then, when};
use futures::future::try_join_all;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::checks::all;
use crate::checks::stream_history::{Expectation, faults, key};
use crate::drivers::streams::UserStream;
use crate::drivers::users::shown;
use crate::drivers::{Code, Status};
use crate::environment::deployment::Slot;
use crate::params::{Span, StatusCode, code_name};
use crate::properties::streams::{self, Ground, LinkState, Outage};
use crate::world::World;

/// Time limit of a delivery (STR-4).
const DELIVERY_LIMIT: Duration = Duration::from_secs(2);

/// For this time after the last due change nothing else may arrive.
const QUIET_WINDOW: Duration = Duration::from_millis(300);

/// For this time after an outage nothing else may arrive; delayed messages may come a second time before that.
const QUIET_WINDOW_AFTER_OUTAGE: Duration = Duration::from_secs(2);

/// What a check of a stream permits.
#[derive(Clone, Copy)]
struct Tolerance {
    /// Time limit for everything due.
    limit: Duration,
    /// The status with which the stream may have ended instead.
    may_end: Option<Code>,
    /// For how long nothing else may arrive.
    quiet: Duration,
}

impl Tolerance {
    /// For a stream that must stay open.
    const PLAIN: Self = Self {
        limit: DELIVERY_LIMIT,
        may_end: None,
        quiet: QUIET_WINDOW,
    };
}

/// The status of a stream that ends within `limit`.
pub async fn ended(stream: &UserStream, limit: Duration) -> Option<Status> {
    let end = async || stream.end().ok_or("it goes on");
    let end = eventually("the stream ends", limit, end).await;
    end.ok()
}

#[then(regex = r#"^the stream "([A-Z][a-z]+)" delivers every change since, in order, each once$"#)]
async fn delivers(world: &mut World, alias: String) -> StepResult {
    judge(world, &alias, Tolerance::PLAIN).await
}

#[then(
    "any interleaving of writers, streams and outages is delivered completely, in order, each once"
)]
async fn any_interleaving(world: &mut World) -> StepResult {
    let clients = [world.client(0).await?, world.client(1).await?];
    let scenario = world.scenario.clone();
    let slots = world.own()?.slots();
    let (outages, wanted) = mpsc::unbounded_channel();
    let ground = Ground {
        clients,
        urls: [slots[0].grpc_url()?, slots[1].grpc_url()?],
        outages,
        scenario,
    };
    futures::join!(streams::check(ground), apply_outages(slots, wanted)).0
}

/// Applies the outages that a property wants, until it has ended.
async fn apply_outages(slots: &[Slot], mut wanted: UnboundedReceiver<Outage>) {
    while let Some(outage) = wanted.recv().await {
        let Ok(link) = slots[outage.instance].link(outage.resource) else {
            continue;
        };
        match outage.state {
            LinkState::Well => link.restore().await,
            LinkState::Cut => link.cut().await,
            LinkState::Hung => link.hang().await,
        }
        // The receiver may have been dropped.
        let _ = outage.done.send(());
    }
}

#[then("every one of them delivers every change since, in order, each once")]
async fn every_one_delivers(world: &mut World) -> StepResult {
    let aliases: Vec<String> = world.streams.streams.keys().cloned().collect();
    let judged = aliases.iter().map(|it| judge(world, it, Tolerance::PLAIN));
    try_join_all(judged).await.map(|_| ())
}

#[then(
    regex = r#"^the stream "([A-Z][a-z]+)" delivers every change since, in order, each once, or ends with (RESOURCE_EXHAUSTED)$"#
)]
async fn delivers_late_or_ends(world: &mut World, alias: String, code: StatusCode) -> StepResult {
    let tolerance = Tolerance {
        limit: Duration::from_secs(20),
        may_end: Some(code.0),
        quiet: QUIET_WINDOW,
    };
    judge(world, &alias, tolerance).await
}

#[then(
    regex = r#"^within (\d+ s) the stream "([A-Z][a-z]+)" delivers every change since, in order, each once, or has ended with (UNAVAILABLE)$"#
)]
async fn delivers_or_has_ended(
    world: &mut World,
    limit: Span,
    alias: String,
    code: StatusCode,
) -> StepResult {
    let tolerance = Tolerance {
        limit: limit.0,
        may_end: Some(code.0),
        quiet: QUIET_WINDOW_AFTER_OUTAGE,
    };
    judge(world, &alias, tolerance).await
}

/// Waits until everything due has arrived or the stream has ended, then checks all that arrived.
async fn judge(world: &World, alias: &str, tolerance: Tolerance) -> StepResult {
    let may_end = tolerance.may_end;
    let limit = world.environment.patience.stretch(tolerance.limit);
    let states = world.every_state();
    let subscriber = world.streams.stream(alias)?;
    let stream = match &subscriber.stream {
        Ok(stream) => stream,
        Err(refusal) if may_end == Some(refusal.code()) => return Ok(()),
        Err(refusal) => return Err(Failure::mismatch("an open stream", shown(refusal))),
    };
    let due = world.due(subscriber, &states);
    let complete = async || {
        // As long as there are fewer than are due, they need not be compared.
        let number = stream.count();
        if number < due.len() && stream.end().is_none() {
            return Err(format!("{number} of {} came", due.len()));
        }
        let came = stream.arrivals();
        let came: BTreeSet<_> = came.iter().map(|it| key(&it.user)).collect();
        let count = due.difference(&came).count();
        if count == 0 || stream.end().is_some() {
            Ok(())
        } else {
            Err(format!("{count} of {} are missing", due.len()))
        }
    };
    // Missing changes are reported by the check below, with all other faults.
    let waited = eventually("every change", limit, complete).await;
    if waited.is_ok() {
        elapse(tolerance.quiet).await;
    }
    let end = stream.end();
    if let Some(end) = &end {
        ensure(
            may_end == Some(end.code()),
            "a stream that goes on",
            format!("it ended with {}", shown(end)),
        )?;
    }
    let arrivals = stream.arrivals();
    let expectation = Expectation {
        acknowledged: states.iter().collect(),
        due,
        has_ended: end.is_some(),
    };
    let wrong = faults(&expectation, arrivals.iter().map(|it| &it.user), |user| {
        subscriber.wants(user)
    });
    let expected = format!("the stream {alias:?} delivers every change since, in order, each once");
    all(&expected, wrong, arrivals.len() + expectation.due.len())
}

#[then(
    regex = r#"^the stream "([A-Z][a-z]+)" has delivered each change within (\d+ s) of its answer$"#
)]
async fn delivered_in_time(world: &mut World, alias: String, limit: Span) -> StepResult {
    let limit = world.environment.patience.stretch(limit.0);
    let stream = world.streams.stream(&alias)?.stream.as_ref();
    let stream = stream.map_err(|status| Failure::mismatch("an open stream", shown(status)))?;
    let arrivals = stream.arrivals();
    let delays = world.streams.written.iter().filter_map(|written| {
        let arrival = arrivals
            .iter()
            .find(|arrival| arrival.user == written.user)?;
        Some(arrival.at.saturating_duration_since(written.answered))
    });
    in_time(&delays.collect::<Vec<_>>(), limit)
}

/// Checks that each change was delivered so soon after its answer, and that one was.
fn in_time(delays: &[Duration], limit: Duration) -> StepResult {
    let late = delays.iter().filter(|delay| **delay > limit);
    let wrong = late.map(|delay| format!("one came {} ms after its answer", delay.as_millis()));
    let expected = format!("each change within {} ms of its answer", limit.as_millis());
    all(&expected, wrong.collect(), delays.len())
}

/// Growth beyond the retained data: memory that an allocator keeps.
const OVERHEAD: u64 = 32 << 20;

#[given("the program's memory under this load is known")]
async fn memory_is_known(world: &mut World) -> StepResult {
    world.streams.memory = memory(world).await?;
    Ok(())
}

/// A program with a collector grows by itself under any load, so that only the difference counts.
#[then(regex = r"^the memory of the program has grown by less than (\d+) MiB since that load$")]
async fn has_grown_less(world: &mut World, most: u64) -> StepResult {
    let before = world.streams.memory;
    let now = memory(world).await?;
    let most = (most << 20) + OVERHEAD;
    let mebibytes = |bytes: u64| bytes >> 20;
    ensure(
        now <= before + most,
        format!("at most {} MiB more than before", mebibytes(most)),
        format!(
            "{} MiB instead of {} MiB",
            mebibytes(now),
            mebibytes(before)
        ),
    )
}

/// Resident memory of the first instance.
pub async fn memory(world: &mut World) -> StepResult<u64> {
    let slot = world.deployment().await?.slot(0)?;
    let memory = slot.instance()?.memory();
    memory.ok_or_else(|| Failure::mismatch("a program that runs", "it has ended"))
}

#[when(regex = r#"^the stream "([A-Z][a-z]+)" is read again$"#)]
async fn is_read_again(world: &mut World, alias: String) -> StepResult {
    match &world.streams.stream(&alias)?.stream {
        Ok(stream) => {
            stream.take();
            Ok(())
        }
        Err(status) => Err(Failure::mismatch("an open stream", shown(status))),
    }
}

#[then(regex = r"^every stream ends with ([A-Z_]+) within (\d+ s)$")]
async fn every_stream_ends(world: &mut World, code: StatusCode, limit: Span) -> StepResult {
    let limit = world.environment.patience.stretch(limit.0);
    let mut wrong = Vec::new();
    for (alias, subscriber) in &world.streams.streams {
        let status = match &subscriber.stream {
            Ok(stream) => ended(stream, limit).await,
            Err(status) => Some(status.clone()),
        };
        match status {
            Some(status) if status.code() == code.0 => {}
            Some(status) => wrong.push(format!("{alias} ended with {}", shown(&status))),
            None => wrong.push(format!("{alias} goes on")),
        }
    }
    let expected = format!("every stream ends with {}", code_name(code.0));
    all(&expected, wrong, world.streams.streams.len())
}

#[given(regex = r#"^the stream "([A-Z][a-z]+)" stayed open for (\d+ s)$"#)]
#[then(regex = r#"^the stream "([A-Z][a-z]+)" stays open for (\d+ s)$"#)]
async fn stays_open(world: &mut World, alias: String, window: Span) -> StepResult {
    let stream = match &world.streams.stream(&alias)?.stream {
        Ok(stream) => stream,
        Err(status) => return Err(Failure::mismatch("an open stream", shown(status))),
    };
    let open = async || match stream.end() {
        None => Ok(()),
        Some(end) => Err(shown(&end)),
    };
    holds_for("the stream is open", window.0, open).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_late_delivery_is_refused() {
        let delays = [100, 1900, 2100].map(Duration::from_millis);
        assert_eq!(in_time(&delays, Duration::from_millis(2100)), Ok(()));
        assert!(in_time(&delays, Duration::from_secs(2)).is_err());
    }

    #[test]
    fn without_a_delivery_none_was_in_time() {
        assert!(in_time(&[], Duration::from_secs(2)).is_err());
    }
}
