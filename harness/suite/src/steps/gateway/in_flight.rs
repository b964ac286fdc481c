//! Creates whose answers the user service holds back, or whose clients cancel.

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::{elapse, eventually, holds_for};
use cucumber::{given, then, when};
use tokio::task::JoinHandle;

use super::breaker::{create, creates_at_once_reach};
use crate::checks::gateway_answer;
use crate::doubles::user_service::answer::{Gate, ScriptedAnswer};
use crate::doubles::user_service::records::Ending;
use crate::drivers::Code;
use crate::params::{Span, StatusCode};
use crate::steps::users::outcomes::all;
use crate::world::World;
use crate::world::gateway::Exchange;

/// How long a gateway may take to notice that its client has cancelled.
const NOTICE: Duration = Duration::from_secs(2);

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

#[given("the user service keeps its answers")]
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
    let limit = world.scene.patience.stretch(Duration::from_secs(2));
    let double = world.own()?.double()?;
    eventually(format!("{count} calls"), limit, async || {
        let calls = double.calls().len() - before;
        (calls >= count)
            .then_some(())
            .ok_or(format!("{calls} calls"))
    })
    .await
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

#[when(regex = r"^1 create is in flight$")]
async fn one_is_in_flight(world: &mut World) -> StepResult {
    send_in_flight(world, 1).await?;
    calls_have_come(world, 1).await
}

/// Opens the gate and waits for the answers that were held back.
async fn let_go(world: &mut World) -> StepResult<Vec<Exchange>> {
    if let Some(gate) = world.gateway.in_flight.gate.take() {
        gate.open();
    }
    let mut exchanges = Vec::new();
    for task in std::mem::take(&mut world.gateway.in_flight.tasks) {
        exchanges.push(task.await.map_err(Failure::broken)??);
    }
    Ok(exchanges)
}

#[when(regex = r"^the creates in flight are answered (\d+ s) later$")]
async fn are_answered_later(world: &mut World, time: Span) -> StepResult {
    elapse(time.0).await;
    let exchanges = let_go(world).await?;
    let refused = exchanges.iter().filter(|it| {
        it.answer()
            .map_or(true, |it| gateway_answer::breaker_is_open(it).is_ok())
    });
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
    let limit = world.scene.patience.stretch(Duration::from_secs(2));
    let in_flight = &world.gateway.in_flight.tasks;
    eventually(format!("{refused} answers"), limit, async || {
        let answered = in_flight.iter().filter(|it| it.is_finished()).count();
        (answered >= refused)
            .then_some(())
            .ok_or(format!("{answered} answers"))
    })
    .await?;
    calls_have_come(world, calls).await?;
    let before = world.gateway.calls_before;
    let double = world.own()?.double()?;
    holds_for(
        format!("{calls} call"),
        Duration::from_millis(200),
        async || {
            let seen = double.calls().len() - before;
            (seen == calls).then_some(()).ok_or(format!("{seen} calls"))
        },
    )
    .await?;
    let (over, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut world.gateway.in_flight.tasks)
        .into_iter()
        .partition(JoinHandle::is_finished);
    world.gateway.in_flight.tasks = kept;
    let mut wrong = Vec::new();
    let count = over.len();
    for task in over {
        let exchange = task.await.map_err(Failure::broken)??;
        let said = exchange.is(503).and_then(gateway_answer::breaker_is_open);
        wrong.extend(said.err());
    }
    all("503 `circuit breaker is open`", wrong, count)
}

#[then("when it is answered with OK requests succeed")]
async fn answered_and_well(world: &mut World) -> StepResult {
    world.own()?.double()?.forget_scripts();
    let exchanges = let_go(world).await?;
    let wrong = exchanges.iter().filter_map(|it| it.is(201).err());
    all("201", wrong.collect(), exchanges.len())?;
    creates_at_once_reach(world, 5).await
}

#[given("a create was made and abandoned")]
async fn was_made_and_abandoned(world: &mut World) -> StepResult {
    made_and_abandoned(world, 1).await?;
    world.begin_requests().await
}

#[when(regex = r"^(\d+) creates? (?:is|are) made and abandoned$")]
async fn made_and_abandoned(world: &mut World, count: usize) -> StepResult {
    for _ in 0..count {
        let client = world.gateway().await?;
        let request = create(world)?;
        let id = request.id.clone();
        let task = tokio::spawn(async move { super::exchange(&client, request).await });
        let double = world.own()?.double()?.clone();
        let ending = || {
            let calls = double.calls().into_iter();
            let mut calls = calls.filter(|it| it.request_id() == id.as_deref());
            calls.next().map(|it| it.ending)
        };
        let limit = world.scene.patience.stretch(NOTICE);
        let there = eventually("the call reaches the user service", limit, async || {
            ending().ok_or("no call")
        });
        there.await?;
        task.abort();
        let given_up = eventually(
            "the gateway gives its call up",
            limit,
            async || match ending() {
                Some(Ending::AbandonedByClient(_)) => Ok(()),
                other => Err(format!("{other:?}")),
            },
        );
        // A gateway that lets the call continue must not count its end; these calls have no end.
        let _ = given_up.await;
    }
    Ok(())
}
