//! The breaker (RES-3, RES-4).

use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::elapse;
use cucumber::{given, then, when};

use super::requests;
use crate::checks::all;
use crate::checks::breaker::{BreakerSettings, stayed_open};
use crate::checks::gateway_answer;
use crate::contract::components::gateway::USER_SERVICE;
use crate::doubles::user_service::records::ReceivedCall;
use crate::params::Span;
use crate::properties;
use crate::world::World;
use crate::world::gateway::SentRequest;

/// `BREAKER_RESET_TIMEOUT` where no scenario sets it.
const DEFAULT_PERIOD: Duration = Duration::from_secs(30);

/// How long an open breaker may take to refuse.
const AT_ONCE: Duration = Duration::from_millis(100);

/// A create of a new user.
pub fn create(world: &mut World) -> StepResult<SentRequest> {
    let user = world.newcomer();
    let body = serde_json::json!({"email": user.email, "name": user.name}).to_string();
    let mut request = SentRequest::parse("POST /api/v1/users")?.with_body(body);
    request.id = Some(world.new_request_id());
    Ok(request)
}

#[when(regex = r"^(\d+) creates? (?:is|are) made$")]
pub async fn creates_are_made(world: &mut World, count: usize) -> StepResult {
    if world.gateway.failed.is_none() {
        world.begin_requests().await?;
    }
    for _ in 0..count {
        let request = create(world)?;
        let exchange = world.send(request).await?;
        world.gateway.exchanges.push(exchange);
        world.gateway.failed = Some(Instant::now());
    }
    Ok(())
}

#[given(regex = r"^the breaker was opened by (\d+) creates?$")]
async fn was_opened(world: &mut World, count: usize) -> StepResult {
    creates_are_made(world, count).await?;
    // The error may be that of an unavailable service, or of the breaker, which is open now.
    let checked = world.newest()?.is(503).map(|_| ());
    checked.map_err(|got| Failure::mismatch("the create fails", got))
}

#[then(regex = r"^a third create opens the breaker$")]
async fn a_third_opens(world: &mut World) -> StepResult {
    creates_are_made(world, 1).await
}

#[then("every call so far reached the user service")]
async fn every_call_reached(world: &mut World) -> StepResult {
    let calls = world.new_calls().await?;
    let there = |id: &str| calls.iter().any(|it| it.request_id() == Some(id));
    let exchanges = &world.gateway.exchanges;
    let wrong = exchanges.iter().filter_map(|exchange| {
        let id = exchange.request.id.as_deref().unwrap_or_default();
        // The request whose own call opened the breaker may be answered as refused.
        (!there(id)).then(|| exchange.summary())
    });
    all(
        "a call that reaches the user service",
        wrong.collect(),
        exchanges.len(),
    )
}

/// Checks that a request is refused at once, and makes no call.
async fn refused(world: &mut World, request: SentRequest) -> StepResult {
    let checked = try_refused(world, request).await?;
    checked.map_err(|got| {
        let expected = "503 `circuit breaker is open` at once, Retry-After, and no call";
        Failure::mismatch(expected, got)
    })
}

/// Sends a request that an open breaker must refuse; the inner error holds the answer or calls instead of that.
async fn try_refused(world: &mut World, request: SentRequest) -> StepResult<Result<(), String>> {
    let before = world.deployment().await?.double()?.calls().len();
    let most = most_retry_after(world).await?;
    let exchange = world.request(request).await?;
    let after = world.deployment().await?.double()?.calls().len();
    let limit = world.scenario.patience.stretch(AT_ONCE);
    let checked = exchange.is(503).and_then(|answer| {
        let retry_after = gateway_answer::breaker_is_open(answer)?;
        if most.is_some_and(|most| retry_after > most) {
            return Err(format!(
                "Retry-After {retry_after} instead of at most {most:?}"
            ));
        }
        if answer.took > limit {
            return Err(format!("only after {:?}", answer.took));
        }
        Ok(())
    });
    let checked = checked.and_then(|()| match after - before {
        0 => Ok(()),
        calls => Err(format!("{calls} calls reached the user service")),
    });
    Ok(checked.map_err(|got| format!("{}: {got}", exchange.summary())))
}

/// The rest of the breaker's period in whole seconds, rounded up; none while a trial runs.
async fn most_retry_after(world: &mut World) -> StepResult<Option<u64>> {
    if !world.gateway.in_flight.is_empty() {
        return Ok(None);
    }
    let period = period(world).await?;
    let open = world.gateway.failed.map(|it| it.elapsed());
    let rest = period.saturating_sub(open.unwrap_or_default());
    Ok(Some(rest.as_secs() + u64::from(rest.subsec_nanos() > 0)))
}

/// `BREAKER_RESET_TIMEOUT` of the scenario.
async fn period(world: &mut World) -> StepResult<Duration> {
    let given = world.deployment().await?.setting("BREAKER_RESET_TIMEOUT");
    let given = given.unwrap_or_default();
    let millis = given.strip_suffix("ms").and_then(|it| it.parse().ok());
    let seconds = given.strip_suffix('s').and_then(|it| it.parse().ok());
    let given = millis.map(Duration::from_millis);
    Ok(given
        .or(seconds.map(Duration::from_secs))
        .unwrap_or(DEFAULT_PERIOD))
}

#[then("the breaker is open, and every route is refused at once")]
async fn is_open(world: &mut World) -> StepResult {
    for (request, body) in requests::ROUTES {
        refused(world, SentRequest::parse(request)?.with_cell(body)).await?;
    }
    Ok(())
}

#[then("the user service is restored, and the breaker is still open")]
async fn restored_and_open(world: &mut World) -> StepResult {
    let slot = world.own()?.slot(0)?;
    slot.link(USER_SERVICE)?.restore().await;
    is_open(world).await
}

/// When the newest failure opened the breaker.
fn opened(world: &World) -> StepResult<Instant> {
    let failed = world.gateway.failed;
    failed.ok_or_else(|| Failure::broken("the scenario has made no create"))
}

#[then(regex = r"^the breaker stays open for (\d+ ms)$")]
async fn stays_open(world: &mut World, window: Span) -> StepResult {
    let begun = open_since(world).await?;
    let looks = looks_until(world, begun + window.0).await?;
    stayed_open(&looks)
}

/// Since when the breaker is open at the latest: the reset timeout begins no earlier than the user service sent the
/// answer that opened it.
async fn open_since(world: &mut World) -> StepResult<Instant> {
    if !world.gateway.in_flight.is_empty() {
        return Ok(Instant::now());
    }
    let calls = world.deployment().await?.double()?.calls();
    let newest = calls.iter().filter_map(ReceivedCall::answered).max();
    newest.ok_or_else(|| Failure::mismatch("a call that the user service has answered", "none"))
}

/// Sends requests one after the other, until one is not refused; for each, whether it was.
async fn looks_until(world: &mut World, until: Instant) -> StepResult<Vec<Result<(), String>>> {
    let mut looks = Vec::new();
    while Instant::now() < until {
        let request = SentRequest::parse("DELETE /api/v1/users/x")?;
        let look = try_refused(world, request).await?;
        // A request that ended after the window proves nothing, unless there was no other.
        if Instant::now() >= until && !looks.is_empty() {
            break;
        }
        let is_wrong = look.is_err();
        looks.push(look);
        if is_wrong {
            break;
        }
        elapse(Duration::from_millis(20)).await;
    }
    Ok(looks)
}

/// Waits for the reset timeout and the tolerance of the program's timer.
async fn wait_for(world: &World, period: Duration) -> StepResult {
    let over = opened(world)? + period + Duration::from_millis(250);
    elapse(over.saturating_duration_since(Instant::now())).await;
    Ok(())
}

#[given("the reset timeout has passed")]
pub async fn time_is_up(world: &mut World) -> StepResult {
    let period = period(world).await?;
    wait_for(world, period).await?;
    world.begin_requests().await
}

#[then(regex = r"^(\d+ m?s) after it opened the breaker lets a call through$")]
async fn lets_through(world: &mut World, period: Span) -> StepResult {
    wait_for(world, period.0).await?;
    a_create_reaches(world).await
}

async fn a_create_reaches(world: &mut World) -> StepResult {
    // The timer of the program may be late on a busy machine.
    let limit = world.scenario.patience.stretch(Duration::ZERO);
    let begun = Instant::now();
    loop {
        let request = create(world)?;
        let exchange = world.send(request).await?;
        match exchange.is(201) {
            Ok(_) => return Ok(()),
            Err(got) if begun.elapsed() > limit => {
                return Err(Failure::mismatch(
                    "a create that reaches the user service",
                    got,
                ));
            }
            Err(_) => elapse(Duration::from_millis(10)).await,
        }
    }
}

#[then(regex = r"^(\d+) creates at once reach the user service$")]
pub async fn creates_at_once_reach(world: &mut World, count: usize) -> StepResult {
    let client = world.gateway().await?;
    let mut requests = Vec::new();
    for _ in 0..count {
        requests.push(super::exchange(&client, create(world)?));
    }
    let exchanges = futures::future::try_join_all(requests).await?;
    let wrong = exchanges.iter().filter_map(|it| it.is(201).err());
    all("201", wrong.collect(), exchanges.len())
}

#[then(
    regex = r"^any sequence of calls agrees with the model of a breaker of (\d+) failures? and (\d+ ms)$"
)]
async fn any_sequence(world: &mut World, max_failures: u32, reset: Span) -> StepResult {
    let client = world.gateway().await?;
    let double = world.own()?.double()?.clone();
    let settings = BreakerSettings {
        max_failures,
        reset: reset.0,
        tolerance: Duration::from_millis(10),
        allowance: world.scenario.patience.stretch(Duration::from_millis(100)),
    };
    properties::breaker::check(client, double, settings, world.scenario.seed).await
}
