//! Requests and their answers.

use std::collections::BTreeSet;

use conformance_engine::failure::{Failure, StepResult, ensure};
use cucumber::gherkin::Step;
use cucumber::{then, when};

use crate::checks::all;
use crate::params::Span;
use crate::steps::users::table;
use crate::world::World;
use crate::world::gateway::{Exchange, SentRequest};

#[when(regex = r"^`([A-Z]+ /.*)` is requested$")]
async fn is_requested(world: &mut World, request: String) -> StepResult {
    send_one(world, &request, "").await
}

#[when(regex = r"^`([A-Z]+ /\S*)` is sent with `(.*)`$")]
async fn is_sent_with(world: &mut World, request: String, body: String) -> StepResult {
    send_one(world, &request, &body).await
}

#[when(regex = r"^`([A-Z]+ /\S*)` is sent as `([a-z/-]+)` with `(.*)`$")]
async fn is_sent_as(
    world: &mut World,
    request: String,
    content_type: String,
    body: String,
) -> StepResult {
    world.begin_requests().await?;
    let mut request = SentRequest::parse(&world.text(&request)?)?.with_cell(&body);
    request
        .headers
        .push(("content-type".to_owned(), content_type));
    let exchange = world.request(request).await?;
    world.gateway.exchanges.push(exchange);
    Ok(())
}

#[when(regex = r"^`([A-Z]+ /\S*)` is sent with$")]
async fn is_sent_with_text(world: &mut World, request: String, step: &Step) -> StepResult {
    let body = step.docstring.clone().unwrap_or_default();
    send_one(world, &request, body.trim()).await
}

async fn send_one(world: &mut World, request: &str, body: &str) -> StepResult {
    world.begin_requests().await?;
    let request = SentRequest::parse(&world.text(request)?)?.with_cell(body);
    let exchange = world.request(request).await?;
    world.gateway.exchanges.push(exchange);
    Ok(())
}

#[when("every route is requested")]
async fn every_route_is_requested(world: &mut World) -> StepResult {
    world.begin_requests().await?;
    request_every_route(world).await
}

/// Sends a request to every route, and adds the answers to the earlier ones.
pub async fn request_every_route(world: &mut World) -> StepResult {
    let client = world.gateway().await?;
    let requests = ROUTES.map(|(request, body)| {
        let mut request = SentRequest::parse(request)?.with_cell(body);
        request.id = Some(world.scenario.id.clone());
        Ok(super::exchange(&client, request))
    });
    let requests: Vec<_> = requests.into_iter().collect::<StepResult<_>>()?;
    // At once: some may take until the time limit.
    for exchange in futures::future::try_join_all(requests).await? {
        world.scenario.journal.note(exchange.summary());
        world.gateway.exchanges.push(exchange);
    }
    Ok(())
}

/// A valid request for each route.
pub const ROUTES: [(&str, &str); 5] = [
    ("GET /api/v1/users", ""),
    (
        "POST /api/v1/users",
        r#"{"email": "each@route.example", "name": "Each Route"}"#,
    ),
    ("GET /api/v1/users/x", ""),
    ("PUT /api/v1/users/x", r#"{"name": "Each Route"}"#),
    ("DELETE /api/v1/users/x", ""),
];

/// The rows of a table of requests; `columns` begin its header.
struct Row {
    request: SentRequest,
    rest: Vec<String>,
}

/// Requests and bodies of a table whose further columns are these.
fn rows(world: &World, step: &Step, columns: &[&str]) -> StepResult<Vec<Row>> {
    let header = step.table.as_ref().and_then(|it| it.rows.first());
    let has_body = header.is_some_and(|it| it.get(1).is_some_and(|it| it == "body"));
    let first: &[&str] = if has_body {
        &["request", "body"]
    } else {
        &["request"]
    };
    let rows = table(step, &[first, columns].concat())?;
    rows.iter()
        .map(|row| {
            let request = SentRequest::parse(&world.text(&row[0])?)?;
            let body = if has_body { row[1].as_str() } else { "" };
            Ok(Row {
                request: request.with_cell(body),
                rest: row[first.len()..].to_vec(),
            })
        })
        .collect()
}

#[then("each of these is answered as listed")]
async fn each_is_answered(world: &mut World, step: &Step) -> StepResult {
    each_is_answered_to(world, step, None).await
}

#[then(regex = r"^with `(accept): ([^`]*)` each of these is answered as listed$")]
async fn each_is_answered_with(
    world: &mut World,
    name: String,
    value: String,
    step: &Step,
) -> StepResult {
    each_is_answered_to(world, step, Some((name, value))).await
}

async fn each_is_answered_to(
    world: &mut World,
    step: &Step,
    header: Option<(String, String)>,
) -> StepResult {
    world.begin_requests().await?;
    let rows = rows(world, step, &["status"])?;
    let mut wrong = Vec::new();
    let count = rows.len();
    for mut row in rows {
        row.request.headers.extend(header.clone());
        let exchange = world.request(row.request).await?;
        let status = number(&row.rest[0])?;
        let checked = match row.rest.get(1) {
            Some(error) => exchange.is_error(status, error),
            None => exchange.is(status).map(|_| ()),
        };
        wrong.extend(checked.err());
    }
    all("the listed status and error", wrong, count)
}

/// Requests of a table and the status of each.
pub fn rows_with_status(world: &World, step: &Step) -> StepResult<Vec<(SentRequest, u16)>> {
    let rows = rows(world, step, &["status"])?;
    rows.into_iter()
        .map(|row| Ok((row.request, number(&row.rest[0])?)))
        .collect()
}

fn number(text: &str) -> StepResult<u16> {
    text.parse()
        .map_err(|_| Failure::broken(format!("{text:?} is not a status")))
}

#[then("each of these is answered with 405 and what is allowed")]
async fn each_is_not_allowed(world: &mut World, step: &Step) -> StepResult {
    let rows = rows(world, step, &["allow"])?;
    let mut wrong = Vec::new();
    let count = rows.len();
    for row in rows {
        let exchange = world.request(row.request).await?;
        wrong.extend(allows_only(&exchange, &row.rest[0]).err());
    }
    all("405, and Allow with the route's methods", wrong, count)
}

/// Checks that the answer is 405 and allows these methods; HEAD and OPTIONS may be listed too.
fn allows_only(exchange: &Exchange, wanted: &str) -> Result<(), String> {
    let allow = exchange.is(405)?.header("allow");
    let mut allowed = methods(allow);
    allowed.retain(|method| method != "HEAD" && method != "OPTIONS");
    if allowed == methods(wanted) {
        Ok(())
    } else {
        Err(format!("{}: Allow is {allow:?}", exchange.summary()))
    }
}

/// The methods of a list.
pub fn methods(list: &str) -> BTreeSet<String> {
    let methods = list.split(',').map(|it| it.trim().to_uppercase());
    methods.filter(|it| !it.is_empty()).collect()
}

#[then("each of these is answered below 500")]
async fn each_is_below(world: &mut World, step: &Step) -> StepResult {
    let rows = rows(world, step, &[])?;
    let mut wrong = Vec::new();
    let count = rows.len();
    for row in rows {
        let exchange = world.request(row.request).await?;
        wrong.extend(below_500(&exchange).err());
    }
    all("an answer below 500", wrong, count)
}

fn below_500(exchange: &Exchange) -> Result<(), String> {
    let answer = exchange.answer()?;
    match exchange.fault() {
        Some(fault) => Err(fault),
        None if answer.status >= 500 => Err(exchange.summary()),
        None => Ok(()),
    }
}

/// What a parser or another layer before the router refuses may have any shape.
#[then("each of these is answered below 500, in any shape")]
async fn each_is_below_in_any_shape(world: &mut World, step: &Step) -> StepResult {
    let rows = rows(world, step, &[])?;
    let mut wrong = Vec::new();
    let count = rows.len();
    for row in rows {
        let exchange = world.request(row.request).await?;
        let below = exchange.answer.as_ref().is_ok_and(|it| it.status < 500);
        wrong.extend((!below).then(|| exchange.summary()));
    }
    all("an answer below 500", wrong, count)
}

#[then("every answer is below 500")]
async fn every_answer_is_below(world: &mut World) -> StepResult {
    let exchanges = &world.gateway.exchanges;
    let wrong = exchanges.iter().filter_map(|it| below_500(it).err());
    all("an answer below 500", wrong.collect(), exchanges.len())
}

#[then(regex = r"^the answer is (\d+)$")]
async fn answer_is(world: &mut World, status: u16) -> StepResult {
    let checked = world.newest()?.is(status);
    checked
        .map(|_| ())
        .map_err(|got| Failure::mismatch(status, got))
}

#[then(regex = r"^the answer came after (\d+ s) to (\d+ s)$")]
async fn answer_came_after(world: &mut World, least: Span, most: Span) -> StepResult {
    let allowed = world.scenario.patience.stretch(most.0);
    let exchange = world.newest()?;
    let took = exchange.answer().map(|it| it.took);
    ensure(
        took.as_ref()
            .is_ok_and(|it| (least.0..=allowed).contains(it)),
        format!("an answer after {:?} to {:?}", least.0, most.0),
        took.map_or_else(
            |got| got,
            |took| format!("{} after {took:?}", exchange.summary()),
        ),
    )
}

#[then("the answer is 204 without a body")]
async fn answer_is_empty(world: &mut World) -> StepResult {
    let exchange = world.newest()?;
    let answer = exchange.is(204);
    let answer = answer.map_err(|got| Failure::mismatch("204 without a body", got))?;
    ensure(
        answer.body.is_empty() && answer.header("transfer-encoding").is_empty(),
        "204 without a body",
        exchange.summary(),
    )
}

#[then(regex = r"^the answer is (\d+) with the body `(.*)`$")]
async fn answer_has_body(world: &mut World, status: u16, body: String) -> StepResult {
    let wanted: serde_json::Value = serde_json::from_str(&body).map_err(Failure::broken)?;
    let exchange = world.newest()?;
    let answer = exchange
        .is(status)
        .map_err(|got| Failure::mismatch(&body, got))?;
    let found = serde_json::from_slice::<serde_json::Value>(&answer.body);
    ensure(
        found.is_ok_and(|it| it == wanted),
        &body,
        exchange.summary(),
    )
}

#[then(regex = r"^`([A-Z]+ /[^`]*)` is answered with (\d+)$")]
async fn is_answered_with(world: &mut World, request: String, status: u16) -> StepResult {
    let parsed = SentRequest::parse(&world.text(&request)?)?;
    let exchange = world.request(parsed).await?;
    exchange
        .is(status)
        .map(|_| ())
        .map_err(|got| Failure::mismatch(format!("{request} {status}"), got))
}

#[then(regex = r#"^"([A-Z][a-z]+)" is as before$"#)]
async fn is_as_before(world: &mut World, alias: String) -> StepResult {
    let before = world.current_user(&alias)?;
    let client = world.client(0).await?;
    let now = client.get(&before.id).await.ok()?;
    ensure(now == before, format!("{before:?}"), format!("{now:?}"))
}
