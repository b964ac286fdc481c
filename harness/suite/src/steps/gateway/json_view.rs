//! Users and lists as JSON (GWY-2).

use conformance_engine::failure::{Failure, StepResult, ensure};
use cucumber::then;
use user_proto::v1::{ListUsersResponse, User};

use crate::checks::gateway_answer;
use crate::world::World;

/// The user or the users of the newest answer.
fn shown(world: &World) -> StepResult<ListUsersResponse> {
    let exchange = world.newest()?;
    let found = exchange.answer().and_then(|answer| {
        let one = gateway_answer::one_user(answer).map(|it| ListUsersResponse {
            users: vec![it],
            ..ListUsersResponse::default()
        });
        if exchange.request.path.starts_with("/api/v1/users/") || exchange.request.method == "POST"
        {
            one
        } else {
            gateway_answer::page(answer)
        }
    });
    found
        .map_err(|it| Failure::mismatch("what GWY-2 says", format!("{}: {it}", exchange.summary())))
}

/// A user with its times separate, in whole milliseconds, since they may be rounded.
fn rounded(user: &User) -> (User, [Option<i64>; 2]) {
    let millis = |it: Option<prost_types::Timestamp>| {
        it.map(|it| it.seconds * 1000 + i64::from(it.nanos) / 1_000_000)
    };
    let moments = [millis(user.created_at), millis(user.updated_at)];
    let mut user = user.clone();
    user.created_at = None;
    user.updated_at = None;
    (user, moments)
}

/// Times may be truncated or rounded to milliseconds.
fn same(seen: &User, told: &User) -> bool {
    let ((seen, at), (told, then)) = (rounded(seen), rounded(told));
    let near = |(a, b): (&Option<i64>, &Option<i64>)| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1,
        _ => a == b,
    };
    seen == told && at.iter().zip(&then).all(near)
}

#[then("the answer shows that user")]
#[then("the answer shows those users, their token and their count")]
async fn shows_what_was_told(world: &mut World) -> StepResult {
    let told = &world.gateway.answers;
    let seen = shown(world)?;
    let users = seen.users.len() == told.users.len()
        && seen.users.iter().zip(&told.users).all(|(a, b)| same(a, b));
    let rest = seen.next_page_token == told.next_page_token && seen.total_count == told.total_count;
    let fault = world.newest()?.fault();
    ensure(fault.is_none(), "a whole answer", fault.unwrap_or_default())?;
    ensure(users && rest, format!("{told:?}"), format!("{seen:?}"))
}

#[then(regex = r"^the answer shows the user without `(.+)`$")]
async fn shows_without(world: &mut World, secret: String) -> StepResult {
    shown(world)?;
    let exchange = world.newest()?;
    let answer = exchange.is(201);
    let answer = answer.map_err(|got| Failure::mismatch("the created user", got))?;
    let body = String::from_utf8_lossy(&answer.body);
    let members = body.to_lowercase();
    ensure(
        !body.contains(&secret) && !members.contains("password"),
        "no password",
        exchange.summary(),
    )
}
