//! Signals and requests in flight.

use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::journal::EventKind;
use conformance_engine::observe::{elapse, eventually, holds_for};
use conformance_engine::subject::instance::Exit;
use cucumber::{given, then, when};
use futures::future::try_join_all;
use nix::sys::signal::Signal;
use tokio::task::JoinHandle;
use user_proto::v1::{CreateUserRequest, User};

use crate::contract::components::RequestHold;
use crate::doubles::user_service::answer::ScriptedAnswer;
use crate::drivers::Code;
use crate::drivers::database_hold::Hold;
use crate::drivers::users::{Call, Users, is_made_by_client, shown};
use crate::drivers::{probes, raw};
use crate::params::Span;
use crate::steps::health::REFUSAL_LIMIT;
use crate::world::World;

/// For how long new calls are still made after `REFUSAL_LIMIT`, to see that none is accepted.
const OBSERVATION_WINDOW: Duration = Duration::from_secs(1);

/// The pause between two calls after the signal.
const ATTEMPT_INTERVAL: Duration = Duration::from_millis(40);

/// After more than this many calls no further ones are made, provided that one has ended.
const ENOUGH_ATTEMPTS: usize = 60;

/// Sends a create and holds it in a resource of the program for this time, or until the scenario ends.
async fn hold_in_flight(world: &mut World, release: Option<Duration>) -> StepResult {
    match world.component.request_hold {
        Some(RequestHold::LockedTables) => hold_in_the_database(world, release).await,
        Some(RequestHold::ScriptedUserService) => hold_in_the_double(world, release).await,
        None => Err(Failure::broken(format!(
            "no request to the {} can be held in flight",
            world.component.name
        ))),
    }
}

/// Sends a create whose row the database keeps.
async fn hold_in_the_database(world: &mut World, release: Option<Duration>) -> StepResult {
    let database = world.own()?.database()?.clone();
    let limit = world.scenario.patience.stretch(Duration::from_secs(10));
    let connection = world.own()?.database_client().await?;
    let hold = Hold::of_rows_with(&in_flight_name(world), connection, &database).await?;
    // A first call, so that the request in flight needs nothing but its own statements.
    world.client(0).await?.get("unknown").await;
    send_in_flight(world).await?;
    hold.is_reached(limit).await?;
    world.process.request_hold = Some(tokio::spawn(async move {
        if let Some(after) = release {
            elapse(after).await;
            hold.release().await
        } else {
            std::future::pending::<()>().await;
            drop(hold);
            Ok(())
        }
    }));
    Ok(())
}

/// The name of the user whose create is in flight.
fn in_flight_name(world: &World) -> String {
    format!("Flight-{}", world.scenario.id)
}

/// Sends a create whose call the scripted user service keeps.
async fn hold_in_the_double(world: &mut World, release: Option<Duration>) -> StepResult {
    let limit = world.scenario.patience.stretch(Duration::from_secs(5));
    world.client(0).await?.get("unknown").await;
    let double = world.own()?.double()?;
    let before = double.calls().len();
    double.script([release.map_or(ScriptedAnswer::Never, |time| {
        ScriptedAnswer::After(time, Box::new(ScriptedAnswer::Contract))
    })]);
    send_in_flight(world).await?;
    let double = world.own()?.double()?;
    double.receives(before, 1, limit).await
}

/// Sends a create, without waiting for its answer.
async fn send_in_flight(world: &mut World) -> StepResult {
    let id = world.new_request_id();
    let mut request = world.newcomer();
    request.name = in_flight_name(world);
    let client = world.client(0).await?.with_request_id(&id);
    world.process.in_flight = Some(tokio::spawn(async move { client.create(request).await }));
    Ok(())
}

#[given(regex = r"^a request that takes (\d+ s) is in flight$")]
async fn request_takes(world: &mut World, time: Span) -> StepResult {
    hold_in_flight(world, Some(time.0)).await
}

#[given("a request that never ends is in flight")]
async fn request_never_ends(world: &mut World) -> StepResult {
    hold_in_flight(world, None).await
}

#[given("an idle connection is open to every port")]
async fn idle_connections(world: &mut World) -> StepResult {
    let ports = world.component.ports;
    let slot = world.own()?.slot(0)?;
    let mut idle = Vec::new();
    for variable in ports {
        let port = slot.port(variable)?;
        idle.push(match *variable {
            "GRPC_PORT" => raw::idle_grpc(port).await?,
            _ => raw::idle_http(port).await?,
        });
    }
    world.process.idle = idle;
    Ok(())
}

#[given(regex = r"^(\d+) connections are open on each of which a request was answered$")]
async fn used_connections(world: &mut World, count: usize) -> StepResult {
    for _ in 0..count {
        let client = world.fresh_client(0).await?;
        // An answer, and not the connection's end.
        let call = client.get("unknown").await;
        let code = call.result.map_or_else(|it| it.code(), |_| Code::Ok);
        ensure(
            code == Code::NotFound,
            "NOT_FOUND for an id that names no user",
            format!("{code:?}"),
        )?;
        world.process.used.push(client);
    }
    Ok(())
}

#[given("half a request was sent to every port")]
async fn half_requests(world: &mut World) -> StepResult {
    let ports = world.component.ports;
    let slot = world.own()?.slot(0)?;
    let mut idle = Vec::new();
    for variable in ports {
        let port = slot.port(variable)?;
        idle.push(match *variable {
            "GRPC_PORT" => raw::half_grpc(port).await?,
            _ => raw::half_http(port).await?,
        });
    }
    world.process.idle = idle;
    Ok(())
}

#[when(regex = r"^the program receives (SIGTERM|SIGINT)$")]
async fn receives(world: &mut World, name: String) -> StepResult {
    let signal = if name == "SIGTERM" {
        Signal::SIGTERM
    } else {
        Signal::SIGINT
    };
    let journal = world.scenario.journal.clone();
    let slot = world.own()?.slot(0)?;
    slot.instance()?.signal(signal);
    journal
        .for_instance(&slot.name)
        .record(EventKind::Signal { signal: name });
    world.process.signalled = Some(Instant::now());
    Ok(())
}

/// When the program received the signal.
fn signalled(world: &World) -> StepResult<Instant> {
    let missing = || Failure::broken("the scenario has sent no signal");
    world.process.signalled.ok_or_else(missing)
}

/// Exit status 0, or what a JVM or a program that lets the signal do its work after cleaning up shows.
fn is_graceful(exit: Exit) -> bool {
    matches!(exit.code, Some(0 | 130 | 143))
        || (exit.code.is_none()
            && matches!(exit.signal, Some(it) if it == Signal::SIGTERM as i32 || it == Signal::SIGINT as i32))
}

#[then(regex = r"^the program exits gracefully within (\d+ s)$")]
async fn exits_gracefully(world: &mut World, limit: Span) -> StepResult {
    let allowed = world.scenario.patience.stretch(limit.0);
    let signalled = signalled(world)?;
    let instance = world.own()?.slot(0)?.instance()?;
    let left = allowed.saturating_sub(signalled.elapsed());
    match tokio::time::timeout(left, instance.wait_for_exit()).await {
        Ok(exit) => ensure(is_graceful(exit), "exit status 0, 130 or 143", exit),
        Err(_) => Err(Failure::mismatch(
            format!("an end within {} s of the signal", limit.0.as_secs()),
            format!(
                "it still runs after {:.1} s",
                signalled.elapsed().as_secs_f64()
            ),
        )),
    }
}

#[then("the program is not ready any more")]
async fn not_ready_any_more(world: &mut World) -> StepResult {
    let allowed = world.scenario.patience.stretch(REFUSAL_LIMIT);
    let slot = world.own()?.slot(0)?;
    let url = slot.http_url("/ready");
    let not_ready = async || match probes::get(&url).await {
        Ok(answer) if answer.status == 503 => Ok(()),
        Ok(answer) => Err(format!("/ready {} {}", answer.status, answer.body)),
        // Its port is closed.
        Err(_) => Ok(()),
    };
    eventually("the program is not ready", allowed, not_ready).await?;
    holds_for(
        "the program is not ready",
        Duration::from_secs(1),
        not_ready,
    )
    .await
}

#[then("the request in flight succeeds")]
async fn in_flight_succeeds(world: &mut World) -> StepResult {
    let Some(request) = world.process.in_flight.take() else {
        return Err(Failure::broken("the scenario has no request in flight"));
    };
    let call = request.await.map_err(Failure::broken)?;
    call.ok().map(|_| ())
}

/// A call that the program did not accept: UNAVAILABLE or any 503, or the connection itself failed.
fn is_refused(call: &Call<User>) -> bool {
    let status = call.result.as_ref().err();
    status.is_some_and(|status| status.code() == Code::Unavailable || is_made_by_client(status))
}

/// A call that was made after the signal.
struct Attempt {
    /// Since the signal.
    begun: Duration,
    call: Call<User>,
}

impl Attempt {
    fn ended(&self) -> Duration {
        self.begun + self.call.took
    }

    fn shown(&self) -> String {
        let seen = self.call.result.as_ref().err();
        let seen = seen.map_or_else(|| "OK".to_owned(), shown);
        let (begun, ended) = (self.begun.as_secs_f64(), self.ended().as_secs_f64());
        format!("{begun:.2} to {ended:.2} s after the signal: {seen}")
    }
}

#[then(regex = r"^no new request is accepted on (a new|an open|an idle) connection any more$")]
async fn no_new_request(world: &mut World, which: String) -> StepResult {
    let allowed = world.scenario.patience.stretch(REFUSAL_LIMIT);
    let attempts = attempts_until(world, &which, allowed + OBSERVATION_WINDOW).await?;
    judge_attempts(&attempts, allowed)
}

/// Makes a call every few milliseconds until so long after the signal, or until the program has ended.
async fn attempts_until(
    world: &mut World,
    which: &str,
    after: Duration,
) -> StepResult<Vec<Attempt>> {
    let signalled = signalled(world)?;
    let mut calls: Vec<JoinHandle<Attempt>> = Vec::new();
    while signalled.elapsed() < after && world.own()?.slot(0)?.runs_on().is_ok() {
        let client = client_on(world, which, calls.len()).await?;
        let request = world.newcomer();
        // Each on its own: one that hangs must not delay the next.
        calls.push(tokio::spawn(attempt(client, request, signalled)));
        if calls.len() > ENOUGH_ATTEMPTS && calls.iter().any(JoinHandle::is_finished) {
            break;
        }
        elapse(ATTEMPT_INTERVAL).await;
    }
    try_join_all(calls).await.map_err(Failure::broken)
}

/// The client of a call: on a new connection, on the one that is open, or on the next of those that were used.
async fn client_on(world: &mut World, which: &str, number: usize) -> StepResult<Users> {
    let used = &world.process.used;
    match which {
        "a new" => world.fresh_client(0).await,
        "an idle" => used
            .get(number % used.len().max(1))
            .cloned()
            .ok_or_else(|| Failure::broken("no connection was used before")),
        _ => world.client(0).await,
    }
}

async fn attempt(client: Users, request: CreateUserRequest, signalled: Instant) -> Attempt {
    let begun = signalled.elapsed();
    let call = client.create(request).await;
    Attempt { begun, call }
}

/// A call that began in time is refused, and none that begins when the first refusal has ended is served. (A
/// server may close connections with unread requests some time after the signal, while it still serves those it has
/// read.)
fn judge_attempts(attempts: &[Attempt], allowed: Duration) -> StepResult {
    let refused = attempts.iter().filter(|it| is_refused(&it.call));
    let in_time = refused.filter(|it| it.begun <= allowed);
    let Some(first) = in_time.map(Attempt::ended).min() else {
        let failure = Failure::mismatch(
            "new calls end with UNAVAILABLE",
            format!("none of {} calls does", attempts.len()),
        );
        let some = attempts.iter().take(10);
        return Err(some.fold(failure, |it, attempt| it.detail(attempt.shown())));
    };
    let mut later = attempts.iter().filter(|it| it.begun > first);
    match later.find(|attempt| attempt.call.result.is_ok()) {
        None => Ok(()),
        Some(accepted) => Err(Failure::mismatch(
            "no new call is accepted",
            accepted.shown(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drivers::Status;

    /// A call that began and ended so many milliseconds after the signal.
    fn call(from: u64, to: u64, result: Result<User, Status>) -> Attempt {
        Attempt {
            begun: Duration::from_millis(from),
            call: Call {
                method: "CreateUser",
                result,
                took: Duration::from_millis(to - from),
            },
        }
    }

    fn accepted(from: u64) -> Attempt {
        call(from, from + 10, Ok(User::default()))
    }

    fn refused(from: u64) -> Attempt {
        call(from, from + 10, Err(Status::unavailable("closing")))
    }

    #[track_caller]
    fn check(attempts: &[Attempt], right: bool) {
        let checked = judge_attempts(attempts, Duration::from_secs(1));
        assert_eq!(checked.is_ok(), right, "{checked:?}");
    }

    #[test]
    fn once_a_call_was_refused_none_is_accepted() {
        check(&[accepted(0), refused(100), refused(200)], true);
        // It began before the first refusal had ended.
        check(&[refused(100), accepted(105)], true);
        check(&[refused(100), accepted(200)], false);
    }

    #[test]
    fn a_call_is_refused_in_time() {
        check(&[accepted(900), refused(1100)], false);
        check(&[accepted(0), accepted(100)], false);
        check(&[call(0, 10, Err(Status::internal("broken")))], false);
    }

    #[test]
    fn without_a_call_nothing_was_refused() {
        check(&[], false);
    }
}
