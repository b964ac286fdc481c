//! Creates whose answers the user service holds back, or whose clients cancel.

use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::{elapse, eventually};
use cucumber::{given, then, when};

use super::breaker::{create, creates_are_made, creates_at_once_reach, time_is_up};
use crate::checks::all;
use crate::checks::gateway_answer;
use crate::doubles::user_service::answer::{Gate, ScriptedAnswer};
use crate::doubles::user_service::records::Ending;
use crate::drivers::Code;
use crate::params::{Span, StatusCode};
use crate::world::World;
use crate::world::gateway::Exchange;

/// How long requests may take to reach the user service, and refusals to come back.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(2);

/// For this time no further call may come.
const QUIET_WINDOW: Duration = Duration::from_millis(200);

/// How long a gateway may take to notice that its client has gone, where it can.
const CANCEL_NOTICE_LIMIT: Duration = Duration::from_secs(1);

/// When the call of a client that left is over, whether the gateway has seen it leave or not: `REQUEST_TIMEOUT` is
/// less in the scenarios that wait for it.
const ABANDONED_CALL_LIMIT: Duration = Duration::from_secs(9);

/// Sends creates whose answers are held back, without waiting for them.
async fn send_in_flight(world: &mut World, count: usize) -> StepResult {
    let client = world.gateway().await?;
    for _ in 0..count {
        let (client, request) = (client.clone(), create(world)?);
        let task = tokio::spawn(async move { super::exchange(&client, request).await });
        world.gateway.in_flight.tasks.push(task);
    }
    Ok(())
}

#[given("the user service holds its answers back")]
async fn keeps_its_answers(world: &mut World) -> StepResult {
    let gate = Gate::new();
    let held = ScriptedAnswer::Contract.held_by(&gate);
    world.own()?.double()?.otherwise(held);
    world.gateway.in_flight.gate = Some(gate);
    Ok(())
}

/// Waits until this many calls have arrived since the action began.
async fn calls_have_come(world: &mut World, count: usize) -> StepResult {
    let before = world.gateway.calls_before;
    let limit = world.scenario.patience.stretch(ARRIVAL_LIMIT);
    let double = world.own()?.double()?;
    double.receives(before, count, limit).await
}

#[when(regex = r"^1 create is in flight$")]
async fn one_is_in_flight(world: &mut World) -> StepResult {
    send_in_flight(world, 1).await?;
    calls_have_come(world, 1).await
}

/// Opens the gate and waits for the answers that were held back.
async fn release_and_collect(world: &mut World) -> StepResult<Vec<Exchange>> {
    world.gateway.in_flight.release_and_collect().await
}

/// Whether the breaker refused it, or nothing came.
fn is_refused(exchange: &Exchange) -> bool {
    exchange
        .answer()
        .map_or(true, |it| gateway_answer::breaker_is_open(it).is_ok())
}

#[when(regex = r"^the creates in flight are answered (\d+ s) later$")]
async fn are_answered_later(world: &mut World, time: Span) -> StepResult {
    elapse(time.0).await;
    let exchanges = release_and_collect(world).await?;
    let refused = exchanges.iter().filter(|it| is_refused(it));
    let wrong = refused.map(Exchange::summary).collect();
    all("the answers that were kept", wrong, exchanges.len())
}

#[when(regex = r"^(\d+) creates are made at once$")]
async fn are_made_at_once(world: &mut World, count: usize) -> StepResult {
    send_in_flight(world, count).await
}

#[then(
    regex = r"^(\d+) call reaches the user service, and (\d+) answers say that the breaker is open$"
)]
async fn one_reaches(world: &mut World, calls: usize, refused: usize) -> StepResult {
    answers_have_come(world, refused).await?;
    calls_have_come(world, calls).await?;
    let before = world.gateway.calls_before;
    let double = world.own()?.double()?;
    double.receives_only(before, calls, QUIET_WINDOW).await?;
    let answered = world.gateway.in_flight.take_answered().await?;
    let wrong = answered.iter().filter_map(|exchange| {
        let checked = exchange.is(503).and_then(gateway_answer::breaker_is_open);
        checked.err()
    });
    all(
        "503 `circuit breaker is open`",
        wrong.collect(),
        answered.len(),
    )
}

/// Waits until this many of the requests in flight are answered.
async fn answers_have_come(world: &World, count: usize) -> StepResult {
    let limit = world.scenario.patience.stretch(ARRIVAL_LIMIT);
    let in_flight = &world.gateway.in_flight.tasks;
    eventually(format!("{count} answers"), limit, async || {
        let answered = in_flight.iter().filter(|task| task.is_finished()).count();
        (answered >= count)
            .then_some(())
            .ok_or(format!("{answered} answers"))
    })
    .await
}

#[then("when it is answered with OK requests succeed")]
async fn answered_and_well(world: &mut World) -> StepResult {
    world.own()?.double()?.forget_scripts();
    let exchanges = release_and_collect(world).await?;
    let wrong = exchanges.iter().filter_map(|it| it.is(201).err());
    all("201", wrong.collect(), exchanges.len())?;
    creates_at_once_reach(world, 5).await
}

#[given("a create was made and abandoned, and its call has ended")]
#[when("1 create is made and abandoned, and its call has ended")]
async fn made_abandoned_and_over(world: &mut World) -> StepResult {
    let id = make_and_abandon(world).await?;
    let left = Instant::now();
    let limit = world.scenario.patience.stretch(ABANDONED_CALL_LIMIT);
    let ending = world.own()?.double()?.call_ends(&id, limit).await?;
    let at = ending.at().unwrap_or_else(Instant::now);
    let outlived = at.saturating_duration_since(left) > ABANDONED_CALL_LIMIT / 3;
    world.gateway.in_flight.outlived_its_client = outlived.then_some(at);
    world.gateway.failed = Some(at);
    Ok(())
}

#[given("the reset timeout has passed again, if the gateway waited for the end of that call")]
async fn time_is_up_again(world: &mut World) -> StepResult {
    if world.gateway.in_flight.outlived_its_client.is_some() {
        time_is_up(world).await?;
    }
    world.begin_requests().await
}

#[when("1 create is made and abandoned")]
async fn made_and_abandoned(world: &mut World) -> StepResult {
    let id = make_and_abandon(world).await?;
    let double = world.own()?.double()?;
    let given_up = eventually(
        "the gateway gives its call up",
        CANCEL_NOTICE_LIMIT,
        async || match double.ending(&id) {
            Some(Ending::AbandonedByClient(_)) => Ok(()),
            other => Err(format!("{other:?}")),
        },
    );
    // A gateway that cannot see its client leave completes the call.
    let _ = given_up.await;
    Ok(())
}

/// Makes a create whose client leaves when its call has reached the user service; the request's id.
async fn make_and_abandon(world: &mut World) -> StepResult<String> {
    let client = world.gateway().await?;
    let request = create(world)?;
    let id = request.id.clone().unwrap_or_default();
    let task = tokio::spawn(async move { super::exchange(&client, request).await });
    let double = world.own()?.double()?.clone();
    let limit = world.scenario.patience.stretch(ARRIVAL_LIMIT);
    eventually("the call reaches the user service", limit, async || {
        double.ending(&id).ok_or("no call")
    })
    .await?;
    task.abort();
    world
        .scenario
        .journal
        .note(format!("the client of {id} leaves"));
    Ok(id)
}

#[given(regex = r"^(\d+) creates are in flight that the user service will answer with ([A-Z_]+)$")]
async fn are_in_flight(world: &mut World, count: usize, code: StatusCode) -> StepResult {
    world.begin_requests().await?;
    let gate = Gate::new();
    let answer = match code.0 {
        Code::Ok => ScriptedAnswer::Contract,
        code => ScriptedAnswer::status(code, "answered late"),
    };
    let held = vec![answer.held_by(&gate); count];
    world.own()?.double()?.script(held);
    world.gateway.in_flight.gate = Some(gate);
    send_in_flight(world, count).await?;
    calls_have_come(world, count).await
}

#[given(
    regex = r"^2 creates are in flight from before the breaker opened, to be answered with ([A-Z_]+)$"
)]
async fn in_flight_from_before(world: &mut World, code: StatusCode) -> StepResult {
    // The breaker is open as the scenario begins: a trial closes it.
    time_is_up(world).await?;
    creates_are_made(world, 1).await?;
    are_in_flight(world, 2, code).await?;
    let failures = vec![ScriptedAnswer::status(Code::Unavailable, "scripted"); 3];
    world.own()?.double()?.script(failures);
    creates_are_made(world, 3).await?;
    time_is_up(world).await
}

#[given(regex = r"^a trial is in flight, which the user service will answer with ([A-Z_]+)$")]
async fn trial_is_in_flight(world: &mut World, code: StatusCode) -> StepResult {
    // The creates from before the breaker opened wait behind a gate of their own.
    let older = std::mem::take(&mut world.gateway.in_flight);
    are_in_flight(world, 1, code).await?;
    world.gateway.in_flight.older = Some(Box::new(older));
    Ok(())
}

#[when("the older creates are answered")]
async fn older_are_answered(world: &mut World) -> StepResult {
    let older = world.gateway.in_flight.older.take();
    let mut older = older.ok_or_else(|| Failure::broken("no older create is in flight"))?;
    let exchanges = older.release_and_collect().await?;
    let refused = exchanges.iter().filter(|it| is_refused(it));
    let wrong = refused.map(Exchange::summary).collect();
    all("the answers that were kept", wrong, exchanges.len())
}
