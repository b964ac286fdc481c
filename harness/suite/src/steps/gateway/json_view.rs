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
        let one = gateway_answer::one_user(answer).map(|user| ListUsersResponse {
            users: vec![user],
            ..ListUsersResponse::default()
        });
        if exchange.request.path.starts_with("/api/v1/users/") || exchange.request.method == "POST"
        {
            one
        } else {
            gateway_answer::page(answer)
        }
    });
    found.map_err(|wrong| {
        Failure::mismatch(
            "the user as in GWY-2",
            format!("{}: {wrong}", exchange.summary()),
        )
    })
}

/// A user with its times separate, in whole milliseconds, since they may be rounded.
fn rounded(user: &User) -> (User, [Option<i64>; 2]) {
    let millis = |time: Option<prost_types::Timestamp>| {
        time.map(|time| time.seconds * 1000 + i64::from(time.nanos) / 1_000_000)
    };
    let moments = [millis(user.created_at), millis(user.updated_at)];
    let mut user = user.clone();
    user.created_at = None;
    user.updated_at = None;
    (user, moments)
}

/// Times may be truncated or rounded to milliseconds.
fn same(seen: &User, sent: &User) -> bool {
    let ((seen, at), (sent, then)) = (rounded(seen), rounded(sent));
    let near = |(a, b): (&Option<i64>, &Option<i64>)| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1,
        _ => a == b,
    };
    seen == sent && at.iter().zip(&then).all(near)
}

#[then("the answer shows that user")]
#[then("the answer shows those users, their token and their count")]
async fn shows_what_was_sent(world: &mut World) -> StepResult {
    let sent = &world.gateway.answers;
    let seen = shown(world)?;
    let users = seen.users.len() == sent.users.len()
        && seen.users.iter().zip(&sent.users).all(|(a, b)| same(a, b));
    let rest = seen.next_page_token == sent.next_page_token && seen.total_count == sent.total_count;
    let fault = world.newest()?.fault();
    ensure(fault.is_none(), "a whole answer", fault.unwrap_or_default())?;
    ensure(users && rest, format!("{sent:?}"), format!("{seen:?}"))
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
