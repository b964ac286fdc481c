//! Errors of the user service, and what becomes of them (GWY-5).

use conformance_engine::failure::{Failure, StepResult, ensure};
use cucumber::gherkin::Step;
use cucumber::then;

use crate::checks::all;
use crate::checks::gateway_answer;
use crate::contract::components::gateway::USER_SERVICE;
use crate::doubles::user_service::answer::ScriptedAnswer;
use crate::drivers::Code;
use crate::properties::requests;
use crate::steps::users::table;
use crate::world::World;
use crate::world::gateway::{Exchange, SentRequest};

#[then(regex = r"^the answer is (\d+) with the error `(.+)`$")]
async fn answer_is_error(world: &mut World, status: u16, message: String) -> StepResult {
    let checked = world.newest()?.is_error(status, &message);
    checked.map_err(|got| Failure::mismatch(format!("{status} {message:?}"), got))
}

#[then(regex = r"^every answer is (\d+) with the error `(.+)`$")]
async fn every_answer_is_error(world: &mut World, status: u16, message: String) -> StepResult {
    let exchanges = &world.gateway.exchanges;
    let wrong = exchanges.iter();
    let wrong = wrong.filter_map(|it| it.is_error(status, &message).err());
    let expected = format!("{status} {message:?}");
    all(&expected, wrong.collect(), exchanges.len())
}

#[then("each message of the user service is the error")]
async fn each_message_is_the_error(world: &mut World, step: &Step) -> StepResult {
    let mut wrong = Vec::new();
    let rows = table(step, &["message"])?;
    for row in rows {
        let message = world.text(&row[0])?;
        let status = ScriptedAnswer::status(Code::NotFound, &message);
        world.own()?.double()?.script(status);
        let exchange = world
            .request(SentRequest::parse("GET /api/v1/users/x")?)
            .await?;
        wrong.extend(exchange.is_error(404, &message).err());
    }
    all("the message of the user service", wrong, rows.len())
}

#[then(regex = r"^no answer holds `(.+)`$")]
async fn no_answer_holds(world: &mut World, text: String) -> StepResult {
    holds_none(world, &[text])
}

#[then("no answer holds an address of the user service")]
async fn no_answer_holds_an_address(world: &mut World) -> StepResult {
    let link = world.own()?.slot(0)?.link(USER_SERVICE)?.address();
    let words = [link.to_string(), format!(":{}", link.port())];
    holds_none(world, &words)
}

fn holds_none(world: &World, words: &[String]) -> StepResult {
    let exchanges = &world.gateway.exchanges;
    let holds = |text: String| words.iter().any(|it| text.contains(it.as_str()));
    let wrong = exchanges.iter().filter(|exchange| {
        exchange.answer.as_ref().is_ok_and(|answer| {
            holds(String::from_utf8_lossy(&answer.body).into_owned())
                || holds(format!("{:?}", answer.headers))
        })
    });
    let wrong = wrong.map(Exchange::summary).collect();
    all(&format!("none of {words:?}"), wrong, exchanges.len())
}

#[then("the answer is a user or an error of the server")]
async fn answer_is_user_or_error(world: &mut World) -> StepResult {
    let exchange = world.newest()?;
    let answer = exchange.answer();
    let checked = answer.and_then(|answer| match answer.status {
        200 => gateway_answer::one_user(answer).map(|_| ()),
        _ => error_of_the_server(exchange),
    });
    checked.map_err(|got| Failure::mismatch("a whole user, or an error of the server", got))
}

#[then("the answer shows some user, or is an error of the server")]
async fn answer_shows_some_user(world: &mut World) -> StepResult {
    let exchange = world.newest()?;
    let checked = exchange.answer().and_then(|answer| match answer.status {
        200 => gateway_answer::some_user(answer),
        _ => error_of_the_server(exchange),
    });
    checked.map_err(|got| Failure::mismatch("some user, or an error of the server", got))
}

#[then("the answer is an error of the server")]
async fn answer_is_error_of_the_server(world: &mut World) -> StepResult {
    let checked = error_of_the_server(world.newest()?);
    checked.map_err(|got| Failure::mismatch("an error of the server", got))
}

/// An error that is not the client's: 499 as well, as some libraries end a call themselves when they
/// cannot read what comes back.
fn error_of_the_server(exchange: &Exchange) -> Result<(), String> {
    match (exchange.fault(), exchange.answer()?.status) {
        (Some(fault), _) => Err(fault),
        (None, 499..600) => Ok(()),
        (None, _) => Err(exchange.summary()),
    }
}

#[then("the answer is an error")]
async fn answer_is_an_error(world: &mut World) -> StepResult {
    let exchange = world.newest()?;
    let fault = exchange.fault();
    ensure(fault.is_none(), "an error", fault.unwrap_or_default())?;
    let status = exchange.answer().map_or(0, |it| it.status);
    ensure(
        (400..600).contains(&status),
        "an error of its own shape",
        exchange.summary(),
    )
}

#[then("the answer is that of an unavailable service or of an internal error")]
async fn answer_is_unavailable_or_internal(world: &mut World) -> StepResult {
    let exchange = world.newest()?;
    exchange
        .is_error(503, "service unavailable")
        .or_else(|_| exchange.is_error(500, "internal server error"))
        .map_err(|got| Failure::mismatch("503 or 500", got))
}

#[then("any request is answered below 500, in the shape of the contract and with its request id")]
async fn any_request(world: &mut World) -> StepResult {
    let client = world.gateway().await?;
    requests::check(client, world.scenario.seed).await
}
