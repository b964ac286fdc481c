//! Connections to the user service that break or stop responding (RES-5, RES-6), and its health (HLT-9).

use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::{elapse, eventually, holds_for};
use cucumber::{given, then, when};

use crate::checks::frequency;
use crate::contract::components::gateway::USER_SERVICE;
use crate::doubles::user_service::health::{Health, ServingStatus};
use crate::params::{Span, StatusCode};
use crate::world::World;
use crate::world::gateway::SentRequest;

/// The service name of the health check (HLT-9).
const SERVICE: &str = "user.v1.UserService";

/// How long the consequences of the last request may take.
const SETTLING_TIME: Duration = Duration::from_secs(1);

/// How much closer to each other PINGs may appear than they were sent.
const PING_TOLERANCE: Duration = Duration::from_millis(500);

/// A request whose answer is ignored, so that the gateway uses its connection.
async fn request_anything(world: &mut World) -> StepResult {
    let request = SentRequest::parse("DELETE /api/v1/users/x")?;
    world.request(request).await.map(|_| ())
}

#[given(regex = r"^the user service has been (cut|hung) for (\d+ s), with requests in flight$")]
async fn was_unavailable(world: &mut World, how: String, time: Span) -> StepResult {
    let link = world.own()?.slot(0)?.link(USER_SERVICE)?;
    match how.as_str() {
        "cut" => link.cut().await,
        _ => link.hang().await,
    }
    let begun = Instant::now();
    while begun.elapsed() < time.0 {
        request_anything(world).await?;
        elapse(Duration::from_millis(50)).await;
    }
    Ok(())
}

#[given("the user service was stopped, and requests failed")]
async fn was_stopped(world: &mut World) -> StepResult {
    world.own()?.double()?.stop().await;
    for _ in 0..3 {
        request_anything(world).await?;
    }
    Ok(())
}

#[when("the user service is started again")]
async fn is_started_again(world: &mut World) -> StepResult {
    world.own()?.double()?.resume().await
}

#[then(regex = r"^within any (\d+ s) the user service got health checks at most (\d+) times?$")]
async fn checked_at_most(world: &mut World, window: Span, most: usize) -> StepResult {
    let health_checks = world.own()?.double()?.health_checks();
    ensure(
        !health_checks.is_empty(),
        "a gateway that checks health",
        "it never did",
    )?;
    // A Watch is not a Check.
    let checks = health_checks
        .iter()
        .filter(|check| !check.watch && check.service == SERVICE);
    let moments: Vec<Instant> = checks.map(|check| check.at).collect();
    frequency::at_most_within(&moments, window.0, most)
}

#[given("every connection to the user service has stopped responding")]
async fn stopped_responding(world: &mut World) -> StepResult {
    world.own()?.double()?.silence_connections();
    Ok(())
}

#[then(regex = r"^every unresponsive connection is closed within (\d+ s)$")]
async fn is_closed(world: &mut World, limit: Span) -> StepResult {
    let limit = world.scenario.patience.stretch(limit.0);
    let double = world.own()?.double()?;
    let silent = double.connections().len();
    ensure(silent > 0, "a connection to the user service", "none")?;
    eventually("every silent connection is closed", limit, async || {
        let connections = double.connections();
        let open = connections[..silent].iter();
        let open = open.filter(|it| it.closed_by_client.is_none());
        match open.count() {
            0 => Ok(()),
            open => Err(format!("{open} of {silent} are open")),
        }
    })
    .await
}

#[then("the very next request succeeds")]
async fn next_succeeds(world: &mut World) -> StepResult {
    let request = world.newcomer();
    let client = world.client(0).await?;
    client.create(request).await.ok().map(|_| ())
}

#[when(regex = r"^no request is sent for (\d+ s)$")]
async fn no_request_is_sent(world: &mut World, window: Span) -> StepResult {
    // Clients that measure bandwidth send PINGs with data, which do not count as keepalive.
    world.gateway.idle_since = Some(Instant::now() + SETTLING_TIME);
    let slot = world.own()?.slot(0)?;
    holds_for("the program runs on", window.0, async || slot.runs_on()).await
}

#[then(regex = r"^no connection was pinged more often than every (\d+ s)$")]
async fn not_too_often(world: &mut World, least: Span) -> StepResult {
    let connections = world.own()?.double()?.connections();
    let since = world.gateway.idle_since;
    let since =
        since.ok_or_else(|| Failure::broken("the scenario has no time without requests"))?;
    let pings = connections.into_iter().map(|connection| {
        let pings = connection.pings.into_iter();
        pings.filter(|ping| *ping >= since).collect()
    });
    frequency::pings_apart(&pings.collect::<Vec<_>>(), least.0, PING_TOLERANCE)
}

#[given(regex = r"^the user service reports (SERVING|NOT_SERVING|UNKNOWN|SERVICE_UNKNOWN)$")]
#[when(regex = r"^the user service reports (SERVING|NOT_SERVING|UNKNOWN|SERVICE_UNKNOWN)$")]
async fn reports(world: &mut World, status: String) -> StepResult {
    set_health(world, SERVICE, &status)
}

#[when(regex = r"^the server of the user service as a whole is (NOT_SERVING)$")]
async fn as_a_whole(world: &mut World, status: String) -> StepResult {
    set_health(world, "", &status)
}

fn set_health(world: &mut World, service: &str, status: &str) -> StepResult {
    let status = ServingStatus::from_str_name(status)
        .ok_or_else(|| Failure::broken(format!("unknown health status {status}")))?;
    world
        .scenario
        .journal
        .note(format!("{service:?} is {status:?}"));
    world
        .own()?
        .double()?
        .set_health(service, Health::Is(status));
    Ok(())
}

#[given(regex = r"^the user service fails health checks with ([A-Z_]+)$")]
#[when(regex = r"^the user service fails health checks with ([A-Z_]+)$")]
async fn fails_health_checks(world: &mut World, code: StatusCode) -> StepResult {
    let double = world.own()?.double()?;
    double.set_health(SERVICE, Health::Fails(code.0));
    Ok(())
}

#[when("the user service never answers health checks")]
async fn never_answers_health_checks(world: &mut World) -> StepResult {
    world
        .own()?
        .double()?
        .set_health(SERVICE, Health::NeverAnswers);
    Ok(())
}
