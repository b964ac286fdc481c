//! Deadlines, message limits, malformed calls (GRP-3).

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult, ensure};
use cucumber::{given, then, when};
use futures::future::join_all;
use prost::Message as _;
use user_proto::v1::{DeleteUserRequest, GetUserRequest, ListUsersRequest, UpdateUserRequest};

use crate::checks::all;
use crate::drivers::Code;
use crate::drivers::database;
use crate::drivers::database_locks::{Locks, none_older};
use crate::drivers::malformed;
use crate::drivers::wire::{CallEnd, CompletedCall, Wire, framed};
use crate::params::Span;
use crate::placeholders::PlaceholderValues as _;
use crate::world::World;

pub(in crate::steps) const SERVICE: &str = "/user.v1.UserService";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

/// Calls may appear to end this much before their deadline: the clocks are read one after the other.
const EARLY_TOLERANCE: Duration = Duration::from_millis(50);

impl World {
    /// The scenario's connection below any gRPC library, opened when first needed.
    pub(in crate::steps) async fn wire(&mut self) -> StepResult<&mut Wire> {
        if self.grpc.wire.is_none() {
            let journal = self.scenario.journal.clone();
            let port = self.deployment().await?.slot(0)?.port("GRPC_PORT")?;
            self.grpc.wire = Some(Wire::connect(port, &journal).await?);
        }
        let missing = || Failure::broken("the scenario has no connection");
        self.grpc.wire.as_mut().ok_or_else(missing)
    }

    /// A call with an unknown id: it shows that a connection still works.
    pub(in crate::steps) async fn get_unknown(&mut self) -> StepResult<CompletedCall> {
        let request = GetUserRequest {
            id: format!("unknown-{}", self.scenario.id),
        };
        let path = format!("{SERVICE}/GetUser");
        let body = framed(&request.encode_to_vec());
        let wire = self.wire().await?;
        Ok(wire.call(&path, body, None).await)
    }

    /// A call that needs no resource: it shows that a connection still works during an outage.
    pub(super) async fn unknown_method(&mut self) -> StepResult {
        let path = format!("{SERVICE}/Unknown");
        let ended = self.wire().await?.call(&path, framed(&[]), None).await;
        ensure(
            ended.code() == Some(Code::Unimplemented),
            "UNIMPLEMENTED for an unknown method, on the same connection",
            ended,
        )
    }

    /// Makes calls concurrently, and records how they ended.
    pub(super) async fn exchange(
        &mut self,
        calls: Vec<(&str, Vec<u8>)>,
        timeout: Option<&str>,
    ) -> StepResult {
        let wire = self.wire().await?;
        let calls = calls.into_iter().map(|(method, message)| {
            let path = format!("{SERVICE}/{method}");
            wire.call(&path, framed(&message), timeout)
        });
        self.grpc.ended = join_all(calls.collect::<Vec<_>>()).await;
        Ok(())
    }

    /// One valid request of each unary method, with the id of "Ada" where it has one.
    pub(super) fn unary_requests(&mut self) -> StepResult<Vec<(&'static str, Vec<u8>)>> {
        let id = self.of_user("Ada", "id").map_err(Failure::broken)?;
        let create = self.newcomer().encode_to_vec();
        let get = GetUserRequest { id: id.clone() }.encode_to_vec();
        let update = UpdateUserRequest {
            id: id.clone(),
            name: Some("Late".to_owned()),
            ..Default::default()
        };
        Ok(vec![
            ("CreateUser", create),
            ("GetUser", get),
            ("UpdateUser", update.encode_to_vec()),
            ("DeleteUser", DeleteUserRequest { id }.encode_to_vec()),
            ("ListUsers", ListUsersRequest::default().encode_to_vec()),
        ])
    }
}

fn judge(world: &World, expected: &str, right: impl Fn(&CompletedCall) -> bool) -> StepResult {
    let ended = &world.grpc.ended;
    let wrong = ended.iter().filter(|it| !right(it));
    all(
        expected,
        wrong.map(ToString::to_string).collect(),
        ended.len(),
    )
}

#[when(regex = r"^every unary call is made with the deadline `(\w+)`$")]
async fn made_with_the_deadline(world: &mut World, timeout: String) -> StepResult {
    // A first call, so that the connection is open for those with a deadline.
    world.unknown_method().await?;
    let requests = world.unary_requests()?;
    world.exchange(requests, Some(&timeout)).await
}

#[when(regex = r"^every unary call is made in turn, with the deadline `(\w+)`$")]
async fn made_in_turn(world: &mut World, timeout: String) -> StepResult {
    let mut ended = Vec::new();
    let mut requests = world.unary_requests()?;
    // The delete comes last.
    requests.sort_by_key(|(method, _)| *method == "DeleteUser");
    for request in requests {
        world.exchange(vec![request], Some(&timeout)).await?;
        ended.append(&mut world.grpc.ended);
    }
    world.grpc.ended = ended;
    Ok(())
}

#[given("every table is locked")]
async fn every_table_is_locked(world: &mut World) -> StepResult {
    let connection = world.own()?.database_client().await?;
    world.grpc.locks = Some(Locks::take(connection).await?);
    Ok(())
}

#[given(regex = r"^every statement takes (\d+ s)$")]
async fn every_statement_takes(world: &mut World, time: Span) -> StepResult {
    let client = world.own()?.database_client().await?;
    database::slow_statements(&client, time.0).await
}

#[when(regex = r"^a (Watch|stream of users) is opened with the deadline `(\w+)`$")]
async fn opened_with_the_deadline(world: &mut World, what: String, timeout: String) -> StepResult {
    let path = match what.as_str() {
        "Watch" => WATCH.to_owned(),
        _ => format!("{SERVICE}/StreamUsers"),
    };
    let wire = world.wire().await?;
    let ended = wire.call(&path, framed(&[]), Some(&timeout)).await;
    world.grpc.ended = vec![ended];
    Ok(())
}

/// Whether the call ended at its deadline: not before it, and at most 1 s after it.
fn ended_at_deadline(world: &World, ended: &CompletedCall, deadline: Duration) -> bool {
    let latest = world
        .scenario
        .patience
        .stretch(deadline + Duration::from_secs(1));
    (deadline.saturating_sub(EARLY_TOLERANCE)..=latest).contains(&ended.took)
}

#[then(
    regex = r"^every call ends with DEADLINE_EXCEEDED or a reset stream, at most 1 s after (\d+ (?:ms|s))$"
)]
async fn ends_at_the_deadline(world: &mut World, deadline: Span) -> StepResult {
    let expected = format!(
        "DEADLINE_EXCEEDED or a reset stream after {:.1} to {:.1} s",
        deadline.0.as_secs_f64(),
        deadline.0.as_secs_f64() + 1.0
    );
    judge(world, &expected, |call| {
        let right = match &call.end {
            CallEnd::Status(status) => status.code() == Code::DeadlineExceeded,
            CallEnd::Reset(_) => true,
            CallEnd::Never => false,
        };
        right && ended_at_deadline(world, call, deadline.0)
    })
}

/// The status is not checked: client libraries report `DEADLINE_EXCEEDED` themselves, and common health services end
/// their stream as cancelled.
#[then(regex = r"^the Watch ends at most 1 s after (\d+ s)$")]
async fn the_watch_ends(world: &mut World, deadline: Span) -> StepResult {
    judge(world, "a Watch that ends at its deadline", |call| {
        !matches!(call.end, CallEnd::Never) && ended_at_deadline(world, call, deadline.0)
    })
}

#[then(regex = r"^the statements of these calls are gone from the database within (\d+ s)$")]
async fn statements_are_gone(world: &mut World, limit: Span) -> StepResult {
    let limit = world.scenario.patience.stretch(limit.0);
    let database = world.own()?.database()?.clone();
    let connection = world.own()?.database_client().await?;
    none_older(&connection, &database, limit).await
}

#[then("every call succeeds in its time")]
async fn succeeds_in_its_time(world: &mut World) -> StepResult {
    judge(world, "OK", |it| it.code() == Some(Code::Ok))
}

#[when(regex = r"^a request of (\d+) bytes is sent$")]
async fn a_request_of(world: &mut World, bytes: usize) -> StepResult {
    // The rest of the message is the tag and the length of its only field.
    let length = (1..=bytes)
        .rev()
        .find(|it| message_of(*it).encoded_len() <= bytes)
        .unwrap_or_default();
    let message = message_of(length).encode_to_vec();
    ensure_size(message.len(), bytes)?;
    world.exchange(vec![("GetUser", message)], None).await
}

fn message_of(length: usize) -> GetUserRequest {
    GetUserRequest {
        id: "x".repeat(length),
    }
}

fn ensure_size(size: usize, wanted: usize) -> StepResult {
    if size == wanted {
        Ok(())
    } else {
        Err(Failure::broken(format!("no message has {wanted} bytes")))
    }
}

#[then("it is answered with NOT_FOUND")]
async fn not_found(world: &mut World) -> StepResult {
    judge(world, "NOT_FOUND", |it| it.code() == Some(Code::NotFound))
}

#[then("it fails with RESOURCE_EXHAUSTED or OUT_OF_RANGE")]
async fn too_large(world: &mut World) -> StepResult {
    judge(world, "RESOURCE_EXHAUSTED or OUT_OF_RANGE", |call| {
        matches!(
            call.code(),
            Some(Code::ResourceExhausted | Code::OutOfRange)
        )
    })
}

#[when(regex = r"^`(/.+)` is called$")]
async fn is_called(world: &mut World, path: String) -> StepResult {
    let wire = world.wire().await?;
    let ended = wire.call(&path, framed(&[]), None).await;
    world.grpc.ended = vec![ended];
    Ok(())
}

#[then("it fails with UNIMPLEMENTED")]
async fn unimplemented(world: &mut World) -> StepResult {
    judge(world, "UNIMPLEMENTED", |call| {
        call.code() == Some(Code::Unimplemented)
    })
}

#[when(
    regex = r"^(a field that .+|a number that .+|a type that .+) is sent to every unary method$"
)]
async fn garbage_is_sent(world: &mut World, what: String) -> StepResult {
    let bytes = malformed::garbage(&what);
    let bytes = bytes.ok_or_else(|| Failure::broken(format!("unknown description {what:?}")))?;
    let calls = malformed::METHODS.map(|method| (method, bytes.clone()));
    world.exchange(calls.to_vec(), None).await
}

#[when("bytes that are no UTF-8 are sent in every string")]
async fn no_utf8_is_sent(world: &mut World) -> StepResult {
    let id = world.of_user("Ada", "id").map_err(Failure::broken)?;
    let calls = malformed::without_utf8(&world.newcomer(), &id);
    world.exchange(calls, None).await
}

#[then("every call fails in some way")]
async fn fails_in_some_way(world: &mut World) -> StepResult {
    judge(world, "any error", |call| match &call.end {
        CallEnd::Status(status) => status.code() != Code::Ok,
        CallEnd::Reset(_) => true,
        CallEnd::Never => false,
    })
}

#[then("the same connection still answers")]
pub(super) async fn still_answers(world: &mut World) -> StepResult {
    let ended = world.get_unknown().await?;
    ensure(
        ended.code() == Some(Code::NotFound),
        "NOT_FOUND on the same connection",
        ended,
    )
}

#[then("the same connection goes on")]
async fn connection_goes_on(world: &mut World) -> StepResult {
    world.unknown_method().await
}

#[then("the program still answers")]
async fn program_still_answers(world: &mut World) -> StepResult {
    world.grpc.wire = None;
    let ended = world.get_unknown().await?;
    ensure(
        ended.code() == Some(Code::NotFound),
        "NOT_FOUND for an unknown user",
        ended,
    )
}
