//! Ids that the logs of both programs share (LOG-4).

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::eventually;
use cucumber::{then, when};

use super::RECORD_LIMIT;
use super::requests::make;
use crate::checks::finished_request::RequestEnd;
use crate::checks::log_line::Event;
use crate::checks::request_log::{is_request_line, is_trace_id};
use crate::contract::components::UsersApi;
use crate::environment::deployment::Deployment;
use crate::steps::process::output::events;
use crate::world::World;
use crate::world::gateway::SentRequest;

/// The span that the requests of a trace come from.
const PARENT: &str = "00f067aa0ba902b7";

/// The line of the request with this id.
async fn line_of(
    deployment: &Deployment,
    (id, http): (&str, bool),
    limit: Duration,
) -> StepResult<Event> {
    let what = format!("a line of the {} with {id:?}", deployment.component().name);
    eventually(what, limit, async || {
        let events = events(deployment);
        let mut lines = events.into_iter().map(|(_, event)| event);
        let line = lines.find(|it| it.field("request_id") == id && is_request_line(it, http));
        line.ok_or("no such line")
    })
    .await
}

#[then("the log of the program that it calls has its request id too")]
async fn both_have_its_id(world: &mut World) -> StepResult {
    let id = world.request_id();
    let limit = world.scenario.patience.stretch(RECORD_LIMIT);
    let deployment = world.deployment().await?;
    let ours = line_of(deployment, (&id, true), limit).await?;
    if let Some(peer) = deployment.peer().cloned() {
        let theirs = line_of(&peer, (&id, false), limit).await?;
        let traces = (ours.field("trace_id"), theirs.field("trace_id"));
        return ensure(
            traces.0 == traces.1,
            "the same trace_id",
            format!("{traces:?}"),
        );
    }
    came_with(deployment, &id)
}

/// Checks what the double received: it logs nothing.
fn came_with(deployment: &Deployment, id: &str) -> StepResult {
    let calls = deployment.double()?.calls();
    let received = calls.iter().any(|it| it.request_id() == Some(id));
    ensure(received, format!("a call with the id {id:?}"), "none")
}

#[when("a request of a trace is made")]
async fn request_of_a_trace(world: &mut World) -> StepResult {
    world.telemetry.finished.clear();
    let trace = uuid::Uuid::new_v4().simple().to_string();
    let parent = format!("00-{trace}-{PARENT}-01");
    world.telemetry.trace = trace;
    if world.component.users_api == Some(UsersApi::Http) {
        world.begin_requests().await?;
        let mut request = SentRequest::parse("GET /api/v1/users/unknown")?;
        request.headers.push(("traceparent".to_owned(), parent));
        return make(world, request, 404).await;
    }
    call_of_a_trace(world, &parent).await
}

async fn call_of_a_trace(world: &mut World, parent: &str) -> StepResult {
    let id = world.new_request_id();
    let wire = world.wire().await?;
    wire.set_metadata("x-request-id", &id);
    wire.set_metadata("traceparent", parent);
    let ended = world.get_unknown().await?;
    let code = ended.code();
    let code = code.ok_or_else(|| Failure::mismatch("NOT_FOUND", &ended))?;
    world.call_finished(Some(id), "GetUser", RequestEnd::Grpc(code), ended.took);
    Ok(())
}

#[when("a request without a trace is made")]
async fn request_without_a_trace(world: &mut World) -> StepResult {
    world.telemetry.finished.clear();
    world.begin_requests().await?;
    make(world, SentRequest::parse("GET /api/v1/users/unknown")?, 404).await
}

/// The `trace_id` of the request that was made.
async fn logged_trace(world: &mut World) -> StepResult<String> {
    let limit = world.scenario.patience.stretch(RECORD_LIMIT);
    let id = world.request_id();
    let http = world.component.users_api == Some(UsersApi::Http);
    let line = line_of(world.deployment().await?, (&id, http), limit).await?;
    Ok(line.field("trace_id").to_owned())
}

#[then("its line in the log has the id of the trace")]
async fn line_has_the_trace(world: &mut World) -> StepResult {
    let logged = logged_trace(world).await?;
    let trace = &world.telemetry.trace;
    ensure(
        logged == *trace,
        format!("trace_id {trace:?}"),
        format!("{logged:?}"),
    )
}

#[then("its line in the log has the trace id of its call")]
async fn line_has_the_trace_of_the_call(world: &mut World) -> StepResult {
    let logged = logged_trace(world).await?;
    let calls = world.new_calls().await?;
    let parents = calls
        .iter()
        .map(|it| it.header("traceparent").unwrap_or_default());
    let traces: Vec<&str> = parents
        .map(|it| it.split('-').nth(1).unwrap_or_default())
        .collect();
    ensure(
        traces == [logged.as_str()] && is_trace_id(&logged),
        "one call, of the trace in the log",
        format!("trace_id {logged:?}, and calls of the traces {traces:?}"),
    )
}
