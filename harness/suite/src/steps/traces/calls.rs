//! Calls with and without `traceparent`.

use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::spans::TraceContext;
use cucumber::gherkin::Step;
use cucumber::{given, when};
use futures::StreamExt as _;
use futures::future::ready;
use user_proto::v1::{CreateUserRequest, ListUsersRequest, UpdateUserRequest};

use crate::checks::span_attributes::Operation;
use crate::drivers::users::{Call, Users};
use crate::drivers::{Code, Status};
use crate::placeholders::PlaceholderValues as _;
use crate::steps::users::table;
use crate::world::World;
use crate::world::traces::TracedCall;

/// The header with the caller's context.
const TRACEPARENT: &str = "traceparent";

/// How many of many calls are made at once.
const AT_ONCE: usize = 16;

/// After this time no further ones of many calls are made: those that were made show how slow they are.
const LOAD_TIME: Duration = Duration::from_secs(20);

/// A call that can be made again and again.
#[derive(Clone)]
pub(super) struct PlannedCall {
    method: &'static str,
    /// What CreateUser sends; each call gets an email of its own in place of `{}`.
    create: CreateUserRequest,
    /// The user that the others are about.
    user: String,
}

impl PlannedCall {
    /// A valid call, about "Ada" if the scenario has her, else about an id that names no user.
    pub(super) fn of(world: &mut World, method: &str) -> StepResult<Self> {
        let unknown = || Failure::broken(format!("{method:?} is no unary call"));
        let operation = Operation::of(method).ok_or_else(unknown)?;
        let user = world.of_user("Ada", "id");
        Ok(Self {
            method: operation.method,
            create: world.newcomer(),
            user: user.unwrap_or_else(|_| format!("unknown-{}", world.scenario.id)),
        })
    }

    /// The same call with a mistake: `without an email`, `with the email of "Ada"`.
    fn with_mistake(mut self, world: &World, mistake: &str) -> StepResult<Self> {
        match mistake {
            "" => {}
            " without an email" => self.create.email.clear(),
            _ => self.create.email = world.current_user("Ada")?.email,
        }
        Ok(self)
    }

    /// Makes the call with this `traceparent`, if any.
    pub(super) async fn make(self, client: Users, traceparent: Option<String>) -> TracedCall {
        let client = match &traceparent {
            Some(value) => client.with_header(TRACEPARENT, value),
            None => client,
        };
        let method = self.method;
        let call = self.send(&client).await;
        TracedCall {
            method,
            context: traceparent.as_ref().and_then(|text| text.parse().ok()),
            traceparent,
            took: call.took,
            failed: call.result.err(),
            ended: Instant::now(),
        }
    }

    async fn send(self, client: &Users) -> Call<()> {
        match self.method {
            "CreateUser" => client.create(self.create).await.map(drop),
            "GetUser" => client.get(&self.user).await.map(drop),
            "UpdateUser" => {
                let request = UpdateUserRequest {
                    id: self.user,
                    name: Some("Traced".to_owned()),
                    ..UpdateUserRequest::default()
                };
                client.update(request).await.map(drop)
            }
            "DeleteUser" => client.delete(&self.user).await,
            _ => client.list(ListUsersRequest::default()).await.map(drop),
        }
    }
}

/// Makes one call and records it; its trace is followed.
async fn call_once(
    world: &mut World,
    planned: PlannedCall,
    traceparent: Option<String>,
) -> StepResult {
    let context: Option<TraceContext> = traceparent.as_ref().and_then(|text| text.parse().ok());
    let subscription = world.subscribe().await?;
    if let Some(context) = context {
        subscription.follow_trace(context.trace);
    }
    let mut client = world.client(0).await?;
    for (name, value) in &world.traces.headers {
        client = client.with_header(name, value);
    }
    let call = planned.make(client, traceparent).await;
    world.traces.calls.push(call);
    Ok(())
}

/// Makes a call many times, each with a context of its own or, without `sampled`, with none; fewer times if the calls
/// take too long.
pub(super) async fn call_often(
    world: &mut World,
    planned: PlannedCall,
    times: usize,
    sampled: Option<bool>,
) -> StepResult {
    let contexts: Vec<Option<TraceContext>> = (0..times)
        .map(|_| sampled.map(TraceContext::random))
        .collect();
    let subscription = world.subscribe().await?;
    for context in contexts.iter().flatten() {
        subscription.follow_trace(context.trace);
    }
    let client = world.client(0).await?.quiet();
    let calls = contexts.into_iter().map(|context| {
        let traceparent = context.map(|it| it.to_string());
        planned.clone().make(client.clone(), traceparent)
    });
    let begun = Instant::now();
    let calls = futures::stream::iter(calls)
        .take_while(|_| ready(begun.elapsed() < LOAD_TIME))
        .buffer_unordered(AT_ONCE);
    let mut calls: Vec<TracedCall> = calls.collect().await;
    world.traces.calls.append(&mut calls);
    let note = format!("{} was called, at most {times} times", planned.method);
    world.scenario.journal.note(note);
    Ok(())
}

#[given(
    regex = r#"^(\w+User\w*)( without an email| with the email of "Ada")? was called with a traceparent( that is not sampled)?$"#
)]
#[when(
    regex = r#"^(\w+User\w*)( without an email| with the email of "Ada")? is called with a traceparent( that is not sampled)?$"#
)]
async fn is_called(
    world: &mut World,
    method: String,
    mistake: String,
    unsampled: String,
) -> StepResult {
    let planned = PlannedCall::of(world, &method)?.with_mistake(world, &mistake)?;
    let context = TraceContext::random(unsampled.is_empty());
    call_once(world, planned, Some(context.to_string())).await
}

#[when(regex = r"^(\w+User\w*) is called with a traceparent and with$")]
async fn is_called_with_headers(world: &mut World, method: String, step: &Step) -> StepResult {
    for row in table(step, &["header", "value"])? {
        let name = match row[0].as_str() {
            "tracestate" => "tracestate",
            "baggage" => "baggage",
            other => {
                return Err(Failure::broken(format!(
                    "{other:?} is no header of a trace"
                )));
            }
        };
        world.traces.headers.push((name, row[1].clone()));
    }
    is_called(world, method, String::new(), String::new()).await
}

#[when("every unary call is made with a traceparent")]
async fn every_unary_call(world: &mut World) -> StepResult {
    // The delete comes last.
    for method in [
        "CreateUser",
        "GetUser",
        "ListUsers",
        "UpdateUser",
        "DeleteUser",
    ] {
        let planned = PlannedCall::of(world, method)?;
        let context = TraceContext::random(true);
        call_once(world, planned, Some(context.to_string())).await?;
    }
    Ok(())
}

#[given(
    regex = r"^(\w+User\w*) was called (\d+) times (without a traceparent|with a traceparent|with a traceparent that is not sampled)$"
)]
#[when(
    regex = r"^(\w+User\w*) is called (\d+) times (without a traceparent|with a traceparent|with a traceparent that is not sampled)$"
)]
async fn is_called_often(
    world: &mut World,
    method: String,
    times: usize,
    how: String,
) -> StepResult {
    let sampled = match how.as_str() {
        "without a traceparent" => None,
        "with a traceparent" => Some(true),
        _ => Some(false),
    };
    let planned = PlannedCall::of(world, &method)?;
    call_often(world, planned, times, sampled).await
}

#[when(regex = r"^(\w+User\w*) is called with each of these traceparents$")]
async fn is_called_with_each(world: &mut World, method: String, step: &Step) -> StepResult {
    let planned = PlannedCall::of(world, &method)?;
    for row in table(step, &["traceparent"])? {
        if row[0].parse::<TraceContext>().is_ok() {
            return Err(Failure::broken(format!("{:?} is valid", row[0])));
        }
        call_once(world, planned.clone(), Some(row[0].clone())).await?;
    }
    Ok(())
}

/// How a call ended, for messages.
pub(super) fn ended(call: &TracedCall) -> String {
    let shown = call.failed.as_ref().map(crate::drivers::users::shown);
    let shown = shown.unwrap_or_else(|| "OK".to_owned());
    format!("{} {shown} after {:?}", call.method, call.took)
}

/// Whether the call was answered as calls of an unknown id are: the program works.
pub(super) fn is_answered(call: &TracedCall) -> bool {
    let code = call.failed.as_ref().map_or(Code::Ok, Status::code);
    matches!(code, Code::Ok | Code::NotFound)
}
