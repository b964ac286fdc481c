//! Request ids (GWY-7).

use std::collections::BTreeSet;

use conformance_engine::failure::{Failure, StepResult, ensure};
use cucumber::gherkin::Step;
use cucumber::{then, when};

use crate::checks::all;
use crate::checks::gateway_answer::is_request_id;
use crate::checks::log_line::Event;
use crate::doubles::user_service::answer::ScriptedAnswer;
use crate::steps::process::output::wait_for;
use crate::steps::users::table;
use crate::world::World;
use crate::world::gateway::{Exchange, SentRequest};

/// The ids of a table; `(absent)` is none.
fn ids(world: &World, step: &Step) -> StepResult<Vec<Option<String>>> {
    let id = |text: &str| match text {
        "(absent)" => Ok(None),
        "(empty)" => Ok(Some(String::new())),
        text => world.text(text).map(Some),
    };
    table(step, &["id"])?.iter().map(|it| id(&it[0])).collect()
}

/// The request id in the answer, the call and the log.
async fn id_of(world: &mut World, sent: Option<String>) -> StepResult<Result<String, String>> {
    world.begin_requests().await?;
    let mut request = SentRequest::parse("GET /api/v1/users/x")?;
    request.id = sent;
    let exchange = world.send(request).await?;
    let answered = match (exchange.fault(), exchange.answer()) {
        (None, Ok(answer)) => answer.header("x-request-id").to_owned(),
        (Some(fault), _) | (None, Err(fault)) => return Ok(Err(fault)),
    };
    let calls = world.new_calls().await?;
    let in_calls: Vec<_> = calls
        .iter()
        .map(|it| it.request_id().map(str::to_owned))
        .collect();
    if in_calls != [Some(answered.clone())] {
        return Ok(Err(format!(
            "{answered:?} on the answer, {in_calls:?} in the calls"
        )));
    }
    let what = format!("a line of the log with request_id {answered:?}");
    let logged = wait_for(world, what, |_, event| {
        event.field("request_id") == answered
    })
    .await;
    Ok(logged
        .map(|()| answered)
        .map_err(|failure| failure.to_string()))
}

#[then("each of these request ids is kept")]
async fn each_is_kept(world: &mut World, step: &Step) -> StepResult {
    let ids = ids(world, step)?;
    let mut wrong = Vec::new();
    let count = ids.len();
    for id in ids {
        // That it is the same is part of the check of every answer.
        wrong.extend(id_of(world, id).await?.err());
    }
    all(
        "the request's id on the answer, in the call and in the log",
        wrong,
        count,
    )
}

#[then("each of these request ids is replaced")]
async fn each_is_replaced(world: &mut World, step: &Step) -> StepResult {
    let ids = ids(world, step)?;
    let mut wrong = Vec::new();
    for id in &ids {
        let first = id_of(world, id.clone()).await?;
        let second = id_of(world, id.clone()).await?;
        wrong.extend(replaced(id.as_deref(), first, second).err());
    }
    all(
        "an id of the gateway's own for each request, the same everywhere",
        wrong,
        ids.len(),
    )
}

/// Checks the ids of two requests that were sent with the same id: neither keeps it, and they differ, since a client
/// must not influence a generated id.
fn replaced(
    sent: Option<&str>,
    first: Result<String, String>,
    second: Result<String, String>,
) -> Result<(), String> {
    let (first, second) = (first?, second?);
    if sent.is_some_and(|sent| sent == first || sent == second) {
        return Err(format!("{sent:?} was kept"));
    }
    if first == second {
        return Err(format!("{first:?} was generated twice for {sent:?}"));
    }
    Ok(())
}

#[when(regex = r"^`([A-Z]+ /\S*)` is requested (\d+) times$")]
async fn is_requested_often(world: &mut World, request: String, times: usize) -> StepResult {
    world.begin_requests().await?;
    for _ in 0..times {
        let exchange = world.send(SentRequest::parse(&request)?).await?;
        world.gateway.exchanges.push(exchange);
    }
    Ok(())
}

fn answered_id(exchange: &Exchange) -> &str {
    let answer = exchange.answer.as_ref();
    answer.map_or("", |it| it.header("x-request-id"))
}

#[then("every answer has a request id of its own")]
async fn every_answer_has_its_own(world: &mut World) -> StepResult {
    let exchanges = &world.gateway.exchanges;
    let wrong: Vec<String> = exchanges.iter().filter_map(Exchange::fault).collect();
    all("a valid request id", wrong, exchanges.len())?;
    let different: BTreeSet<&str> = exchanges.iter().map(answered_id).collect();
    ensure(
        different.len() == exchanges.len(),
        format!("{} different ids", exchanges.len()),
        format!("{different:?}"),
    )
}

#[then(
    regex = r"^the request `([A-Z]+ /\S*)` that the user service never answers is (\d+) with its request id$"
)]
async fn never_answered_is(world: &mut World, request: String, status: u16) -> StepResult {
    world.own()?.double()?.script(ScriptedAnswer::Never);
    has_its_id(world, &request, status).await
}

#[then(regex = r"^the request `([A-Z]+ /\S*)` is (\d+) with its request id$")]
async fn is_answered_with_its_id(world: &mut World, request: String, status: u16) -> StepResult {
    has_its_id(world, &request, status).await
}

async fn has_its_id(world: &mut World, request: &str, status: u16) -> StepResult {
    let exchange = world.request(SentRequest::parse(request)?).await?;
    let checked = exchange.is(status);
    checked
        .map(|_| ())
        .map_err(|got| Failure::mismatch(format!("{status} with the request's id"), got))
}

#[then(regex = r"^(\d+) calls came with the request id of the answer$")]
async fn calls_came_with(world: &mut World, count: usize) -> StepResult {
    let id = answered_id(world.newest()?).to_owned();
    let calls = world.new_calls().await?;
    let ids: Vec<_> = calls
        .iter()
        .map(|it| it.request_id().unwrap_or_default())
        .collect();
    ensure(
        ids.len() == count && ids.iter().all(|it| *it == id),
        format!("{count} calls with {id:?}"),
        format!("{ids:?}"),
    )
}

#[then("each of these request ids appears in the log")]
async fn each_is_logged(world: &mut World, step: &Step) -> StepResult {
    for id in ids(world, step)?.into_iter().flatten() {
        call_with_id(world, &id).await?;
        let what = format!("a line of the log with request_id {id:?}");
        wait_for(world, what, |_, event| event.field("request_id") == id).await?;
    }
    Ok(())
}

#[then("none of these request ids appears in the log")]
async fn none_is_logged(world: &mut World, step: &Step) -> StepResult {
    for id in ids(world, step)?.into_iter().flatten() {
        call_with_id(world, &id).await?;
    }
    let last = world.new_request_id();
    call_with_id(world, &last).await?;
    let what = "the line of the last call".to_owned();
    wait_for(world, what, |_, event| event.field("request_id") == last).await?;
    valid_ids(&crate::steps::process::output::events(
        world.deployment().await?,
    ))
}

/// A call whose answer is ignored, with this request id.
async fn call_with_id(world: &mut World, id: &str) -> StepResult {
    let client = world.client(0).await?.with_request_id(id);
    client.get("unknown").await;
    Ok(())
}

/// Checks that each event that has a request id has one that a request may have.
fn valid_ids(events: &[(String, Event)]) -> StepResult {
    let invalid = events.iter().filter(|(_, event)| {
        let id = event.fields.get("request_id");
        id.is_some_and(|id| !is_request_id(id))
    });
    let lines = invalid.map(|(line, _)| line.clone()).collect();
    all(
        "an id that is 1 to 128 visible ASCII characters",
        lines,
        events.len(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::log_line::{Format, parse};

    #[track_caller]
    fn check(sent: Option<&str>, first: Result<&str, &str>, second: Result<&str, &str>, ok: bool) {
        let owned = |id: Result<&str, &str>| id.map(str::to_owned).map_err(str::to_owned);
        let checked = replaced(sent, owned(first), owned(second));
        assert_eq!(checked.is_ok(), ok, "{checked:?}");
    }

    #[test]
    fn a_replaced_id_is_neither_kept_nor_made_of_what_was_sent() {
        check(Some("sent"), Ok("a"), Ok("b"), true);
        check(None, Ok("a"), Ok("b"), true);
        check(Some("sent"), Ok("sent"), Ok("b"), false);
        check(Some("sent"), Ok("a"), Ok("sent"), false);
        check(Some("sent"), Ok("a"), Ok("a"), false);
        check(Some("sent"), Err("no answer"), Ok("a"), false);
        check(Some("sent"), Ok("a"), Err("no answer"), false);
    }

    fn event(id: &str) -> (String, Event) {
        let line = format!(
            r#"{{"time":"2024-01-01T00:00:00Z","level":"INFO","msg":"m","source":"s","request_id":"{id}"}}"#
        );
        let event = parse(line.as_bytes(), Format::Json).expect("an event");
        (line, event)
    }

    #[test]
    fn an_invalid_id_in_the_log_is_refused() {
        assert_eq!(valid_ids(&[event("valid")]), Ok(()));
        assert!(valid_ids(&[event("valid"), event("with space")]).is_err());
        assert!(valid_ids(&[]).is_err());
    }
}
