//! Lifetime of connections (GRP-4), and pings of clients (GRP-5).

use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::{elapse, eventually, holds_for};
use cucumber::{given, then, when};
use prost::Message as _;

use crate::drivers::Code;
use crate::drivers::database_hold::Hold;
use crate::drivers::wire::connection_log::{ConnectionLog, Event};
use crate::drivers::wire::framed;
use crate::params::Span;
use crate::world::World;

/// A timer may end this much early.
const EARLY_TOLERANCE: Duration = Duration::from_millis(50);

const WATCH: &str = "/grpc.health.v1.Health/Watch";

fn shown(log: &ConnectionLog) -> String {
    let events = log.events();
    let words: Vec<_> = events.iter().map(|it| it.1.to_string()).collect();
    if words.is_empty() {
        "an open connection".to_owned()
    } else {
        words.join(", ")
    }
}

/// The time until the first such event; none if there was none yet.
fn time_until(
    log: &ConnectionLog,
    since: Instant,
    wanted: impl Fn(Event) -> bool,
) -> Option<Duration> {
    let events = log.events();
    let found = events.iter().find(|it| wanted(it.1));
    found.map(|it| it.0.saturating_duration_since(since))
}

/// Checks that the connection is open and got no GOAWAY.
fn is_open(log: &ConnectionLog) -> Result<(), String> {
    if log.events().is_empty() {
        Ok(())
    } else {
        Err(shown(log))
    }
}

#[given("an open connection")]
async fn open_connection(world: &mut World) -> StepResult {
    let opened = world.wire().await?.opened();
    world.grpc.counted_from = Some(opened);
    Ok(())
}

#[given("an open connection on which a call was answered")]
async fn connection_with_a_call(world: &mut World) -> StepResult {
    // Before the call: it ended no earlier, and its end is known late on a busy machine.
    world.grpc.counted_from = Some(Instant::now());
    super::calls::still_answers(world).await
}

#[given("an open connection with a running Watch")]
async fn connection_with_a_watch(world: &mut World) -> StepResult {
    super::calls::still_answers(world).await?;
    let wire = world.wire().await?;
    let opened = wire.opened();
    let (watch, begun) = wire.stream(WATCH, framed(&[]));
    world.grpc.running = Some(tokio::spawn(watch));
    world.grpc.counted_from = Some(opened);
    // Its first answer shows that the call is running.
    match tokio::time::timeout(Duration::from_secs(10), begun).await {
        Ok(Ok(())) => Ok(()),
        other => Err(Failure::mismatch(
            "an answer of Watch",
            format!("{other:?}"),
        )),
    }
}

#[given("a call that the database holds is running on an open connection")]
async fn connection_with_a_call_running(world: &mut World) -> StepResult {
    super::calls::still_answers(world).await?;
    let request = world.newcomer();
    let limit = world.scenario.patience.stretch(Duration::from_secs(10));
    let database = world.own()?.database()?.clone();
    let client = world.own()?.database_client().await?;
    let hold = Hold::of_rows_with(&request.name, client, &database).await?;
    let wire = world.wire().await?;
    let opened = wire.opened();
    let body = framed(&request.encode_to_vec());
    let call = wire.call("/user.v1.UserService/CreateUser", body, None);
    world.grpc.running = Some(tokio::spawn(call));
    world.grpc.counted_from = Some(opened);
    hold.is_reached(limit).await?;
    world.grpc.hold = Some(hold);
    Ok(())
}

/// With any code: the code for an idle connection differs between gRPC libraries.
fn is_goaway(event: Event) -> bool {
    matches!(event, Event::GoAway(_))
}

/// Waits for GOAWAY, at most until `latest` after the start of the measurement.
async fn goaway(world: &mut World, latest: Duration) -> StepResult<Duration> {
    let since = world.grpc.counted_from.unwrap_or_else(Instant::now);
    let latest = world.scenario.patience.stretch(latest);
    let log = world.wire().await?.log().clone();
    let left = latest.saturating_sub(since.elapsed());
    eventually("GOAWAY", left, async || {
        time_until(&log, since, is_goaway).ok_or_else(|| shown(&log))
    })
    .await
}

#[then(regex = r"^it gets GOAWAY after (\d+ ms) to (\d+ ms)$")]
async fn gets_goaway(world: &mut World, earliest: Span, latest: Span) -> StepResult {
    let after = goaway(world, latest.0).await?;
    let log = world.wire().await?.log();
    ensure(
        after + EARLY_TOLERANCE >= earliest.0 && is_goaway(log.events()[0].1),
        format!("GOAWAY first, not before {:?}", earliest.0),
        format!("{} after {after:?}", shown(log)),
    )
}

#[when(
    regex = r"^the database lets it go (\d+ s) after its connection got GOAWAY, at most (\d+ ms) old$"
)]
async fn released_after_goaway(world: &mut World, pause: Span, latest: Span) -> StepResult {
    goaway(world, latest.0).await?;
    elapse(pause.0).await;
    match world.grpc.hold.take() {
        Some(hold) => hold.release().await,
        None => Err(Failure::broken("the scenario holds no call")),
    }
}

#[then("the running call succeeds")]
async fn running_call_succeeds(world: &mut World) -> StepResult {
    let missing = || Failure::broken("no call is running");
    let running = world.grpc.running.take().ok_or_else(missing)?;
    let ended = running.await.map_err(Failure::broken)?;
    ensure(ended.code() == Some(Code::Ok), "OK", ended)
}

#[then(regex = r"^the Watch is ended within (\d+ ms)$")]
async fn watch_is_ended(world: &mut World, latest: Span) -> StepResult {
    let since = world.grpc.counted_from.unwrap_or_else(Instant::now);
    let latest = world.scenario.patience.stretch(latest.0);
    let running = &world.grpc.running;
    let left = latest.saturating_sub(since.elapsed());
    eventually("an end of the Watch", left, async || {
        let over = running
            .as_ref()
            .is_some_and(tokio::task::JoinHandle::is_finished);
        if over { Ok(()) } else { Err("it runs on") }
    })
    .await
}

#[when("the Watch is cancelled")]
async fn watch_is_cancelled(world: &mut World) -> StepResult {
    if let Some(running) = world.grpc.running.take() {
        running.abort();
    }
    world.grpc.counted_from = Some(Instant::now());
    Ok(())
}

#[given(regex = r"^it was kept open for (\d+ s)$")]
async fn was_kept_open(world: &mut World, window: Span) -> StepResult {
    let log = world.wire().await?.log().clone();
    holds_for("an open connection", window.0, async || is_open(&log)).await
}

#[when(regex = r"^a call is made on it every (\d+ s) for (\d+ s)$")]
async fn calls_every(world: &mut World, pause: Span, window: Span) -> StepResult {
    let begun = Instant::now();
    while begun.elapsed() < window.0 {
        super::calls::still_answers(world).await?;
        elapse(pause.0).await;
    }
    Ok(())
}

#[then("it is open and still answers")]
async fn open_and_answers(world: &mut World) -> StepResult {
    let log = world.wire().await?.log().clone();
    is_open(&log).map_err(|got| Failure::mismatch("an open connection", got))?;
    super::calls::still_answers(world).await
}

#[when("its client stops responding")]
async fn falls_silent(world: &mut World) -> StepResult {
    world.wire().await?.log().mute();
    world.grpc.counted_from = Some(Instant::now());
    Ok(())
}

#[then(regex = r"^it is closed within (\d+ s)$")]
async fn is_closed(world: &mut World, limit: Span) -> StepResult {
    let limit = world.scenario.patience.stretch(limit.0);
    let log = world.wire().await?.log().clone();
    eventually("a closed connection", limit, async || {
        let closed = log.events().iter().any(|it| it.1 == Event::Closed);
        closed.then_some(()).ok_or_else(|| shown(&log))
    })
    .await
}

/// Sends PINGs one after the other; stops when the connection fails.
#[when(regex = r"^its client pings (\d+) times, with pauses of (\d+ ms)$")]
async fn client_pings(world: &mut World, times: usize, pause: Span) -> StepResult {
    let wire = world.wire().await?;
    for _ in 0..times {
        if wire.ping().await.is_err() {
            break;
        }
        elapse(pause.0).await;
    }
    Ok(())
}

#[when(regex = r"^its client makes a call and pings, (\d+) times in a row$")]
async fn calls_and_pings(world: &mut World, times: usize) -> StepResult {
    for _ in 0..times {
        super::calls::still_answers(world).await?;
        let pinged = world.wire().await?.ping().await;
        pinged.map_err(|got| Failure::mismatch("an answer to a PING", got))?;
    }
    Ok(())
}

/// By GOAWAY or by closing the connection.
#[then("it is disconnected")]
async fn is_disconnected(world: &mut World) -> StepResult {
    let limit = world.scenario.patience.stretch(Duration::ZERO);
    let log = world.wire().await?.log().clone();
    eventually("a disconnected client", limit, async || {
        let events = log.events();
        events.first().map(|_| ()).ok_or("an open connection")
    })
    .await
}
