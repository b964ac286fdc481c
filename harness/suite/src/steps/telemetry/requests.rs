//! Requests whose records are judged.

use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult, ensure};
use cucumber::gherkin::Step;
use cucumber::{given, when};
use user_proto::v1::{CreateUserRequest, ListUsersRequest, UpdateUserRequest};

use crate::checks::finished_request::RequestEnd;
use crate::contract::components::UsersApi;
use crate::doubles::user_service::script_text;
use crate::drivers::Code;
use crate::drivers::users::Users;
use crate::params::{Span, StatusCode, code_name};
use crate::placeholders::PlaceholderValues as _;
use crate::steps::users::table;
use crate::world::World;
use crate::world::gateway::{Exchange, SentRequest};

/// One row of a table of requests.
struct Row {
    request: SentRequest,
    /// The script of the user service for it; none where it makes no call, or is answered by the contract.
    script: String,
    /// `None` for any.
    status: Option<u16>,
}

/// The table of a step: columns `request` and `status`, and `body` and `script` where there are some.
fn rows(world: &World, step: &Step) -> StepResult<Vec<Row>> {
    let rows = table(step, &["request"])?;
    let header = step.table.as_ref().map(|it| it.rows[0].clone());
    let header = header.unwrap_or_default();
    let cell = |row: &[String], name: &str| {
        let place = header.iter().position(|it| it == name);
        place.map_or(String::new(), |it| row[it].clone())
    };
    let parse = |row: &Vec<String>| {
        let request = SentRequest::parse(&world.text(&row[0])?)?;
        let status = cell(row, "status");
        Ok(Row {
            request: request.with_cell(&world.text(&cell(row, "body"))?),
            script: cell(row, "script"),
            status: number(&status)?,
        })
    };
    rows.iter().map(parse).collect()
}

/// The number of a status; `any` is none.
fn number(status: &str) -> StepResult<Option<u16>> {
    if status == "any" {
        return Ok(None);
    }
    let number = status.parse().map(Some);
    number.map_err(|_| Failure::broken(format!("{status:?} is no status of HTTP")))
}

#[when("each of these requests is made")]
async fn each_request_is_made(world: &mut World, step: &Step) -> StepResult {
    world.telemetry.finished.clear();
    for row in rows(world, step)? {
        if !row.script.is_empty() {
            let script = script_text::parse(&row.script).map_err(Failure::broken)?;
            world.own()?.double()?.script(script);
        }
        make(world, row.request, row.status).await?;
    }
    Ok(())
}

/// Sends a request and records it; another status than this one, if there is one, is a mismatch.
pub async fn make(
    world: &mut World,
    mut request: SentRequest,
    status: impl Into<Option<u16>>,
) -> StepResult {
    request.id = Some(world.new_request_id());
    let exchange = world.send(request).await?;
    let answered = exchange.answer.as_ref().map_or(0, |it| it.status);
    let status = status.into().unwrap_or(answered);
    let took = has_status(&exchange, status)?;
    // A time-out of the gateway's own: its handler is given up, and may not see its answer.
    let end = if status == 504 && took >= SLOW_ANSWER {
        RequestEnd::GivenUp
    } else {
        RequestEnd::Http(status)
    };
    world.http_finished(&exchange.request, end, took);
    Ok(())
}

/// Slower answers are those of requests that timed out.
const SLOW_ANSWER: Duration = Duration::from_millis(500);

fn has_status(exchange: &Exchange, status: u16) -> StepResult<Duration> {
    match &exchange.answer {
        Ok(answer) if answer.status == status => Ok(answer.took),
        _ => Err(Failure::mismatch(status, exchange.summary())),
    }
}

#[when(regex = r"^each of these probes is requested (\d+) times$")]
async fn probes_are_requested(world: &mut World, times: usize, step: &Step) -> StepResult {
    world.telemetry.finished.clear();
    for row in rows(world, step)? {
        for _ in 0..times {
            make(world, row.request.clone(), row.status).await?;
        }
    }
    Ok(())
}

#[when(regex = r"^(\d+) requests are made at once, and as many fail$")]
async fn many_at_once(world: &mut World, count: usize) -> StepResult {
    world.telemetry.finished.clear();
    let ok = SentRequest::parse("GET /api/v1/users")?;
    let unknown = SentRequest::parse("GET /api/v1/users/unknown")?;
    let client = world.gateway().await?;
    let mut sent = Vec::new();
    for request in [ok, unknown] {
        for _ in 0..count {
            let mut request = request.clone();
            request.id = Some(world.new_request_id());
            sent.push(crate::steps::gateway::exchange(&client, request));
        }
    }
    let exchanges = futures::future::try_join_all(sent).await?;
    record_exchanges(world, exchanges)
}

fn record_exchanges(world: &mut World, exchanges: Vec<Exchange>) -> StepResult {
    for exchange in exchanges {
        let status = if exchange.request.path.ends_with("unknown") {
            404
        } else {
            200
        };
        let took = has_status(&exchange, status)?;
        world.http_finished(&exchange.request, RequestEnd::Http(status), took);
    }
    Ok(())
}

#[when(regex = r"^`([A-Z]+ /\S*)` is made, which the user service answers after (\d+ ms)$")]
async fn is_held(world: &mut World, request: String, time: Span) -> StepResult {
    world.telemetry.finished.clear();
    let script = format!("OK after {} ms", time.0.as_millis());
    let script = script_text::parse(&script).map_err(Failure::broken)?;
    let double = world.own()?.double()?;
    double.script(script);
    let mut request = SentRequest::parse(&request)?;
    request.id = Some(world.new_request_id());
    let exchange = world.send(request).await?;
    let answer = exchange.answer();
    let answer = answer.map_err(|got| Failure::mismatch("an answer", got))?;
    let (status, took) = (answer.status, answer.took);
    world.http_finished(&exchange.request, RequestEnd::Http(status), took);
    world.telemetry.finished[0].held = time.0;
    Ok(())
}

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
    let database = crate::contract::components::user_service::DATABASE;
    // A connection of the pool is open before its link is slow.
    call(world, ("GetUser", "valid values"), Code::Ok).await?;
    before_is_now(world).await?;
    world.telemetry.finished.clear();
    world.own()?.slot(0)?.link(database)?.slow(time.0).await;
    call(world, ("GetUser", "valid values"), Code::Ok).await?;
    world.telemetry.finished[0].held = time.0;
    Ok(())
}

#[when(regex = r"^GetUser is called (\d+) times while the database is slowed by (\d+ ms)$")]
async fn called_slowly_often(world: &mut World, times: usize, time: Span) -> StepResult {
    let database = crate::contract::components::user_service::DATABASE;
    world.own()?.slot(0)?.link(database)?.slow(time.0).await;
    for _ in 0..times {
        call(world, ("GetUser", "valid values"), Code::Ok).await?;
    }
    // A scrape may wait for the database, too.
    world.own()?.slot(0)?.link(database)?.restore().await;
    Ok(())
}

/// Takes the metrics of now as those before the action, if the scenario has read any.
async fn before_is_now(world: &mut World) -> StepResult {
    if world.telemetry.before.is_empty() {
        return Ok(());
    }
    super::counted::read_at_rest(world).await
}

#[when(regex = r"^(\d+) requests are made at once, each answered after (\d+ ms)$")]
async fn many_held(world: &mut World, count: usize, time: Span) -> StepResult {
    world.telemetry.finished.clear();
    let script = format!("OK after {} ms {count} times", time.0.as_millis());
    let script = script_text::parse(&script).map_err(Failure::broken)?;
    world.own()?.double()?.script(script);
    let client = world.gateway().await?;
    let mut sent = Vec::new();
    for _ in 0..count {
        let mut request = SentRequest::parse("GET /api/v1/users/unknown")?;
        request.id = Some(world.new_request_id());
        sent.push(crate::steps::gateway::exchange(&client, request));
    }
    let exchanges = futures::future::try_join_all(sent).await?;
    record_exchanges(world, exchanges)
}

#[given("requests of every kind were made")]
#[when("requests of every kind are made")]
pub async fn every_kind(world: &mut World) -> StepResult {
    world.telemetry.finished.clear();
    for (path, status) in [
        ("/live", Some(200)),
        ("/ready", Some(200)),
        ("/health", Some(200)),
        ("/unknown", None),
    ] {
        make(world, SentRequest::parse(&format!("GET {path}"))?, status).await?;
    }
    match world.component.users_api {
        Some(UsersApi::Grpc) => every_call(world).await,
        Some(UsersApi::Http) => every_route(world).await,
        None => Ok(()),
    }
}

async fn every_call(world: &mut World) -> StepResult {
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

async fn every_route(world: &mut World) -> StepResult {
    let create = format!(
        r#"{{"email": "kind-{}@example.com", "name": "Every Kind"}}"#,
        uuid::Uuid::new_v4().simple()
    );
    for (request, body, status) in [
        ("GET /api/v1/users", "", 200),
        ("POST /api/v1/users", create.as_str(), 201),
        ("POST /api/v1/users", "(empty)", 400),
        ("GET /api/v1/users/unknown", "", 404),
        (
            "PUT /api/v1/users/unknown",
            r#"{"name": "Every Kind"}"#,
            404,
        ),
        ("DELETE /api/v1/users/unknown", "", 404),
        ("GET /api/v1/unknown", "", 404),
        ("PUT /api/v1/users", "{}", 405),
    ] {
        make(world, SentRequest::parse(request)?.with_cell(body), status).await?;
    }
    Ok(())
}
