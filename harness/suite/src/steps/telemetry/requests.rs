//! Requests over HTTP whose records are judged.

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use cucumber::gherkin::Step;
use cucumber::{given, when};

use super::calls::every_call;
use crate::checks::finished_request::RequestEnd;
use crate::contract::components::UsersApi;
use crate::doubles::user_service::script_text;
use crate::params::Span;
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
