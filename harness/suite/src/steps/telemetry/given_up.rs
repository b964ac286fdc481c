//! Requests that their clients give up, or that pass their deadline (LOG-3, MET-5).

use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::eventually;
use cucumber::{given, when};
use prost::Message as _;

use crate::checks::finished_request::RequestEnd;
use crate::doubles::user_service::answer::ScriptedAnswer;
use crate::drivers::Code;
use crate::drivers::wire::{CallEnd, framed};
use crate::steps::grpc::calls::SERVICE;
use crate::world::World;
use crate::world::gateway::SentRequest;

/// How long a client waits before it leaves.
const CLIENT_LEAVES: Duration = Duration::from_millis(300);

/// How long a request may take to reach the user service.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(2);

#[when(regex = r"^(\d+) requests are made whose clients leave while the user service keeps them$")]
async fn clients_leave(world: &mut World, count: usize) -> StepResult {
    world.telemetry.finished.clear();
    for _ in 0..count {
        client_leaves(world).await?;
    }
    Ok(())
}

/// Sends a request that the user service keeps, and drops its connection once the call has come.
async fn client_leaves(world: &mut World) -> StepResult {
    let mut request = SentRequest::parse("DELETE /api/v1/users/kept")?;
    let id = world.new_request_id();
    request.id = Some(id.clone());
    let double = world.own()?.double()?.clone();
    double.script(ScriptedAnswer::Never);
    let client = world.gateway().await?;
    let begun = Instant::now();
    let sent = request.clone();
    let task = tokio::spawn(async move { crate::steps::gateway::exchange(&client, sent).await });
    let limit = world.scenario.patience.stretch(ARRIVAL_LIMIT);
    eventually("the call reaches the user service", limit, async || {
        double.ending(&id).ok_or("no call")
    })
    .await?;
    task.abort();
    // A gateway that cannot see its client leave waits for its own time-out.
    let took = begun.elapsed() + request_timeout(world)?;
    world.http_finished(&request, RequestEnd::GivenUp, took);
    Ok(())
}

/// The `REQUEST_TIMEOUT` that the scenario has set.
fn request_timeout(world: &mut World) -> StepResult<Duration> {
    let text = world.own()?.setting("REQUEST_TIMEOUT");
    let seconds = text.and_then(|it| it.strip_suffix('s')?.parse().ok());
    let missing = || Failure::broken("the scenario sets no REQUEST_TIMEOUT in seconds");
    seconds.map(Duration::from_secs).ok_or_else(missing)
}

/// A create as it goes on the wire.
fn create(world: &mut World) -> (String, bytes::Bytes) {
    let path = format!("{SERVICE}/CreateUser");
    (path, framed(&world.newcomer().encode_to_vec()))
}

/// Opens the scenario's connection, and gives its calls a new request id.
async fn begin(world: &mut World) -> StepResult<String> {
    world.telemetry.finished.clear();
    let id = world.new_request_id();
    world.wire().await?.set_metadata("x-request-id", &id);
    Ok(id)
}

#[when("CreateUser is called and cancelled by its client while the database keeps it")]
async fn is_cancelled(world: &mut World) -> StepResult {
    let id = begin(world).await?;
    let (path, body) = create(world);
    let call = world.wire().await?.call(&path, body, None);
    let ended = tokio::time::timeout(CLIENT_LEAVES, call).await;
    ensure(
        ended.is_err(),
        "a call that waits for the database",
        "its end",
    )?;
    let took = CLIENT_LEAVES + request_timeout(world)?;
    world.call_finished(Some(id), "CreateUser", RequestEnd::GivenUp, took);
    Ok(())
}

#[when("CreateUser is called and passes its deadline while the database keeps it")]
async fn passes_its_deadline(world: &mut World) -> StepResult {
    let id = begin(world).await?;
    let (path, body) = create(world);
    let timeout = format!("{}m", CLIENT_LEAVES.as_millis());
    let ended = world.wire().await?.call(&path, body, Some(&timeout)).await;
    let right = match &ended.end {
        CallEnd::Status(status) => status.code() == Code::DeadlineExceeded,
        CallEnd::Reset(_) => true,
        CallEnd::Never => false,
    };
    ensure(right, "DEADLINE_EXCEEDED or a reset stream", &ended)?;
    let took = ended.took + request_timeout(world)?;
    world.call_finished(Some(id), "CreateUser", RequestEnd::GivenUp, took);
    Ok(())
}

#[when("GetUser is called twice without metadata")]
async fn without_metadata(world: &mut World) -> StepResult {
    world.telemetry.finished.clear();
    for _ in 0..2 {
        let ended = world.get_unknown().await?;
        ensure(ended.code() == Some(Code::NotFound), "NOT_FOUND", &ended)?;
        world.call_finished(
            None,
            "GetUser",
            RequestEnd::Grpc(Code::NotFound),
            ended.took,
        );
    }
    Ok(())
}

#[given("a connection is open on which a call was answered")]
async fn connection_is_open(world: &mut World) -> StepResult {
    let ended = world.get_unknown().await?;
    ensure(ended.code() == Some(Code::NotFound), "NOT_FOUND", ended)
}
