//! Calls of a user service whose records are judged.

use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult, ensure};
use cucumber::gherkin::Step;
use cucumber::when;
use user_proto::v1::{CreateUserRequest, ListUsersRequest, UpdateUserRequest};

use crate::checks::finished_request::RequestEnd;
use crate::contract::components::user_service::DATABASE;
use crate::drivers::Code;
use crate::drivers::users::Users;
use crate::params::{Span, StatusCode, code_name};
use crate::placeholders::PlaceholderValues as _;
use crate::steps::users::table;
use crate::world::World;

#[when("each of these calls is made")]
async fn each_call_is_made(world: &mut World, step: &Step) -> StepResult {
    world.telemetry.finished.clear();
    for row in table(step, &["method", "with", "code"])? {
        let code: StatusCode = row[2].parse().map_err(Failure::broken)?;
        call(world, (&row[0], &row[1]), code.0).await?;
    }
    Ok(())
}

#[when(
    regex = r"^(\w+User\w*) is called (\d+) times at once, with (.+), and fails with ([A-Z_]+)$"
)]
async fn called_at_once(
    world: &mut World,
    method: String,
    times: usize,
    with: String,
    code: StatusCode,
) -> StepResult {
    let mut calls = Vec::new();
    for _ in 0..times {
        let id = world.new_request_id();
        let client = world.client(0).await?.with_request_id(&id).quiet();
        let arguments = arguments(world, &method, &with)?;
        calls.push(async move { (id, send(&client, arguments).await) });
    }
    for (id, ended) in futures::future::join_all(calls).await {
        record(world, id, &method, code.0, ended)?;
    }
    Ok(())
}

/// Makes a call and records it; another code is a mismatch.
pub async fn call(world: &mut World, (method, with): (&str, &str), code: Code) -> StepResult {
    let id = world.new_request_id();
    let client = world.client(0).await?.with_request_id(&id);
    let arguments = arguments(world, method, with)?;
    let ended = send(&client, arguments).await;
    record(world, id, method, code, ended)
}

fn record(
    world: &mut World,
    id: String,
    method: &str,
    code: Code,
    (found, took): (Code, Duration),
) -> StepResult {
    ensure(
        found == code,
        format!("{method} ends with {}", code_name(code)),
        code_name(found),
    )?;
    world.call_finished(Some(id), method, RequestEnd::Grpc(code), took);
    Ok(())
}

/// The arguments of a call.
enum Arguments {
    Create(CreateUserRequest),
    Get(String),
    Update(UpdateUserRequest),
    Delete(String),
    List(ListUsersRequest),
}

/// The arguments that the words of a feature mean.
fn arguments(world: &mut World, method: &str, with: &str) -> StepResult<Arguments> {
    let ada = |world: &World, what: &str| world.of_user("Ada", what).map_err(Failure::broken);
    let id = match with {
        "an unknown id" => format!("unknown-{}", world.scenario.id),
        "an empty id" => String::new(),
        _ if method.starts_with("Create") || method.starts_with("List") => String::new(),
        _ => ada(world, "id")?,
    };
    Ok(match (method, with) {
        ("CreateUser", "valid values") => Arguments::Create(world.newcomer()),
        ("CreateUser", "no email") => Arguments::Create(CreateUserRequest::default()),
        ("CreateUser", "a taken email") => {
            let mut request = world.newcomer();
            request.email = ada(world, "email")?;
            Arguments::Create(request)
        }
        ("GetUser", _) => Arguments::Get(id),
        ("UpdateUser", with) => Arguments::Update(update(world, id, with)?),
        ("DeleteUser", _) => Arguments::Delete(id),
        ("ListUsers", with) => Arguments::List(ListUsersRequest {
            filter: if with == "an invalid filter" { "?" } else { "" }.to_owned(),
            ..Default::default()
        }),
        _ => {
            return Err(Failure::broken(format!(
                "no arguments {with:?} of {method}"
            )));
        }
    })
}

/// The update that gives a user this status, or else a name.
fn update(world: &World, id: String, with: &str) -> StepResult<UpdateUserRequest> {
    let status = with.strip_prefix("the status ");
    let status = status.map(crate::field_value::status).transpose();
    let status = status.map_err(Failure::broken)?;
    let name = format!("Renamed-{}", world.scenario.id);
    Ok(UpdateUserRequest {
        id,
        name: status.is_none().then_some(name),
        status,
        ..Default::default()
    })
}

async fn send(client: &Users, arguments: Arguments) -> (Code, Duration) {
    let begun = Instant::now();
    let code = match arguments {
        Arguments::Create(request) => client.create(request).await.code(),
        Arguments::Get(id) => client.get(&id).await.code(),
        Arguments::Update(request) => client.update(request).await.code(),
        Arguments::Delete(id) => client.delete(&id).await.code(),
        Arguments::List(request) => client.list(request).await.code(),
    };
    (code, begun.elapsed())
}

#[when(regex = r"^GetUser is called with the database slowed by (\d+ ms)$")]
async fn called_slowly(world: &mut World, time: Span) -> StepResult {
    // A connection of the pool is open before its link is slow.
    call(world, ("GetUser", "valid values"), Code::Ok).await?;
    before_is_now(world).await?;
    world.telemetry.finished.clear();
    world.own()?.slot(0)?.link(DATABASE)?.slow(time.0).await;
    call(world, ("GetUser", "valid values"), Code::Ok).await?;
    world.telemetry.finished[0].held = time.0;
    Ok(())
}

#[when(regex = r"^GetUser is called (\d+) times while the database is slowed by (\d+ ms)$")]
async fn called_slowly_often(world: &mut World, times: usize, time: Span) -> StepResult {
    world.own()?.slot(0)?.link(DATABASE)?.slow(time.0).await;
    for _ in 0..times {
        call(world, ("GetUser", "valid values"), Code::Ok).await?;
    }
    // A scrape may wait for the database, too.
    world.own()?.slot(0)?.link(DATABASE)?.restore().await;
    Ok(())
}

/// Takes the metrics of now as those before the action, if the scenario has read any.
async fn before_is_now(world: &mut World) -> StepResult {
    if world.telemetry.before.is_empty() {
        return Ok(());
    }
    super::counted::read_at_rest(world).await
}

/// Makes every kind of call, with the user "Ada".
pub async fn every_call(world: &mut World) -> StepResult {
    if world.of_user("Ada", "id").is_err() {
        return Err(Failure::broken("the step needs a user \"Ada\""));
    }
    for method in ["CreateUser", "GetUser", "UpdateUser", "ListUsers"] {
        call(world, (method, "valid values"), Code::Ok).await?;
    }
    for method in ["GetUser", "UpdateUser", "DeleteUser"] {
        call(world, (method, "an unknown id"), Code::NotFound).await?;
    }
    call(world, ("CreateUser", "a taken email"), Code::AlreadyExists).await?;
    call(world, ("CreateUser", "no email"), Code::InvalidArgument).await?;
    call(
        world,
        ("ListUsers", "an invalid filter"),
        Code::InvalidArgument,
    )
    .await
}
