//! Outcomes of calls.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use conformance_engine::failure::{Failure, StepResult, ensure};
use cucumber::then;
use prost_types::Timestamp;
use user_proto::v1::User;

use super::calls::filtered;
use crate::checks::all;
use crate::drivers::Code;
use crate::drivers::users::{Users, shown};
use crate::params::{Span, StatusCode, code_name};
use crate::world::World;
use crate::world::users::{ExpectedUser, UserCall};

fn shown_call(done: &UserCall) -> String {
    let what = match (&done.asked, &done.expected) {
        (Some(asked), _) => format!(
            " of {}",
            short(&format!(
                "{:?} <{}>",
                asked.name,
                asked.email.escape_debug()
            ))
        ),
        _ => String::new(),
    };
    let status = match &done.call.result {
        Ok(_) => "OK".to_owned(),
        Err(status) => shown(status),
    };
    format!("{}{what}: {status}", done.call.method)
}

/// At most 160 characters.
fn short(text: &str) -> String {
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn judge(world: &World, expected: &str, right: impl Fn(&UserCall) -> bool) -> StepResult {
    let calls = &world.users.calls;
    let wrong = calls
        .iter()
        .filter(|it| !right(it))
        .map(shown_call)
        .collect();
    all(expected, wrong, calls.len())
}

fn one(world: &World) -> StepResult {
    match world.users.calls.len() {
        1 => Ok(()),
        count => Err(Failure::broken(format!(
            "the step is about one call, and there were {count}"
        ))),
    }
}

fn is(done: &UserCall, code: Code, message: Option<&str>) -> bool {
    done.call.code() == code
        && message.is_none_or(|message| {
            done.call
                .result
                .as_ref()
                .is_err_and(|status| status.message() == message)
        })
}

#[then("the call succeeds")]
async fn the_call_succeeds(world: &mut World) -> StepResult {
    one(world)?;
    judge(world, "the call succeeds", |it| it.call.result.is_ok())
}

#[then("every call succeeds")]
async fn every_call_succeeds(world: &mut World) -> StepResult {
    judge(world, "every call succeeds", |it| it.call.result.is_ok())
}

#[then(regex = r"^the call fails with ([A-Z_]+)$")]
async fn the_call_fails(world: &mut World, status: StatusCode) -> StepResult {
    one(world)?;
    judge(world, code_name(status.0), |it| is(it, status.0, None))
}

#[then(regex = r#"^the call fails with ([A-Z_]+) and message "(.*)"$"#)]
async fn the_call_fails_with(world: &mut World, status: StatusCode, message: String) -> StepResult {
    one(world)?;
    let expected = format!("{} {message:?}", code_name(status.0));
    judge(world, &expected, |it| is(it, status.0, Some(&message)))
}

#[then(regex = r"^every call fails with ([A-Z_]+)$")]
async fn every_call_fails(world: &mut World, status: StatusCode) -> StepResult {
    judge(world, code_name(status.0), |it| is(it, status.0, None))
}

#[then(regex = r#"^every call fails with ([A-Z_]+) and message "([^"]*)"$"#)]
async fn every_call_fails_with(
    world: &mut World,
    status: StatusCode,
    message: String,
) -> StepResult {
    let expected = format!("{} {message:?}", code_name(status.0));
    judge(world, &expected, |it| is(it, status.0, Some(&message)))
}

#[then(
    regex = r#"^every call fails with ([A-Z_]+) and message "([^"]*)", or answers users named "([A-Z][a-z]+)" alone$"#
)]
async fn fails_or_answers(
    world: &mut World,
    status: StatusCode,
    message: String,
    alias: String,
) -> StepResult {
    let name = world.name_of(&alias);
    let expected = format!(
        "{} {message:?}, or users named {name:?} alone",
        code_name(status.0)
    );
    judge(world, &expected, |done| {
        is(done, status.0, Some(&message))
            || done
                .page()
                .is_some_and(|page| page.users.iter().all(|user| user.name == name))
    })
}

#[then(regex = r"^exactly one call succeeds, and every other fails with ([A-Z_]+)$")]
async fn exactly_one_succeeds(world: &mut World, status: StatusCode) -> StepResult {
    let succeeded = world
        .users
        .calls
        .iter()
        .filter(|it| it.call.result.is_ok())
        .count();
    ensure(
        succeeded == 1,
        "exactly one call succeeds",
        format!("{succeeded} of {}", world.users.calls.len()),
    )?;
    let expected = format!("every other call fails with {}", code_name(status.0));
    judge(world, &expected, |done| {
        done.call.result.is_ok() || is(done, status.0, None)
    })
}

#[then(regex = r"^every call ends within (\d+ (?:ms|s))$")]
async fn every_call_ends(world: &mut World, limit: Span) -> StepResult {
    let allowed = world.scenario.patience.stretch(limit.0);
    let late = |it: &&UserCall| it.call.took > allowed;
    let calls = &world.users.calls;
    let wrong = calls.iter().filter(late).map(|done| {
        format!(
            "{} after {}",
            shown_call(done),
            format_seconds(done.call.took)
        )
    });
    all(
        &format!("an end within {}", format_seconds(limit.0)),
        wrong.collect(),
        calls.len(),
    )
}

fn format_seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

#[then("the user comes back as given")]
async fn comes_back(world: &mut World) -> StepResult {
    one(world)?;
    every_user_comes_back(world).await
}

#[then("every user comes back as given")]
async fn every_user_comes_back(world: &mut World) -> StepResult {
    let calls = &world.users.calls;
    let wrong = calls
        .iter()
        .filter_map(|done| match (done.user(), &done.expected) {
            (Some(user), Some(given)) => {
                differences(user, given).map(|it| format!("{}: {it}", shown_call(done)))
            }
            _ => Some(shown_call(done)),
        });
    all(
        "the user as given, in the answer and on reading it again",
        wrong.collect(),
        calls.len(),
    )
}

fn differences(user: &User, given: &ExpectedUser) -> Option<String> {
    let mut found = Vec::new();
    let mut compare = |field: &str, same: bool, seen: String, wanted: String| {
        if !same {
            found.push(format!(
                "{field} is {} instead of {}",
                short(&seen),
                short(&wanted)
            ));
        }
    };
    compare(
        "email",
        user.email == given.email,
        format!("{:?}", user.email),
        format!("{:?}", given.email),
    );
    compare(
        "name",
        user.name == given.name,
        format!("{:?}", user.name),
        format!("{:?}", given.name),
    );
    compare(
        "status",
        user.status == given.status,
        user.status.to_string(),
        given.status.to_string(),
    );
    compare(
        "metadata",
        user.metadata == given.metadata,
        format!("{:?}", user.metadata),
        format!("{:?}", given.metadata),
    );
    if let Some(before) = &given.before {
        compare(
            "id",
            user.id == before.id,
            user.id.clone(),
            before.id.clone(),
        );
        compare(
            "created_at",
            user.created_at == before.created_at,
            format!("{:?}", user.created_at),
            format!("{:?}", before.created_at),
        );
    }
    let changed = given
        .before
        .as_ref()
        .is_none_or(|it| it.updated_at != user.updated_at);
    for (field, time, is_new) in [
        ("created_at", user.created_at, given.before.is_none()),
        ("updated_at", user.updated_at, changed),
    ] {
        compare(
            field,
            !is_new || is_time_of(time, given.made),
            format!("{time:?}"),
            format!("the time of the call, {}", given.made.0),
        );
    }
    match &given.again {
        Some(Ok(again)) => compare(
            "GetUser's answer",
            again == user,
            format!("{again:?}"),
            format!("{user:?}"),
        ),
        Some(Err(status)) => compare(
            "GetUser's answer",
            false,
            shown(status),
            "the user".to_owned(),
        ),
        None => {}
    }
    (!found.is_empty()).then(|| found.join("; "))
}

/// How far the clock of a user may be off the server's (USR-1).
const OFF: TimeDelta = TimeDelta::seconds(5);

/// Whether a user's time is that of a call.
fn is_time_of(time: Option<Timestamp>, made: (DateTime<Utc>, DateTime<Utc>)) -> bool {
    let nanos = time.and_then(|it| u32::try_from(it.nanos).ok());
    let time = time.and_then(|time| DateTime::from_timestamp(time.seconds, nanos?));
    time.is_some_and(|it| (made.0 - OFF..=made.1 + OFF).contains(&it))
}

#[then("no user was created")]
async fn no_user_was_created(world: &mut World) -> StepResult {
    let client = world.client(0).await?;
    let tracked = world.users.tracked.values();
    let known: BTreeSet<String> = tracked.map(|user| user.now().id.clone()).collect();
    let calls = world.users.calls.iter();
    let requests: Vec<_> = calls.filter_map(|done| done.asked.as_ref()).collect();
    let mut wrong = Vec::new();
    for filter in requests.iter().flat_map(|request| finders(request)) {
        wrong.extend(strangers(&client, &filter, &known).await);
    }
    all("no user was created", wrong, requests.len())
}

/// The users, other than the known ones, that a filter finds.
async fn strangers(client: &Users, filter: &str, known: &BTreeSet<String>) -> Vec<String> {
    let page = match client.list(filtered(filter.to_owned())).await.result {
        Ok(page) => page,
        Err(status) => return vec![format!("{} gives {}", short(filter), shown(&status))],
    };
    let strangers = page.users.iter().filter(|user| !known.contains(&user.id));
    strangers
        .map(|user| format!("{} finds {user:?}", short(filter)))
        .collect()
}

/// Filters by the valid values of the request, by which its user could be found.
fn finders(request: &user_proto::v1::CreateUserRequest) -> Vec<String> {
    use crate::model::{email_is_valid, name_is_valid, value};
    let mut filters = Vec::new();
    if email_is_valid(&request.email) {
        filters.push(format!("email={}", value(&request.email, true)));
    }
    // Names that other users may have prove nothing.
    if name_is_valid(&request.name) && request.name.starts_with("New-") {
        filters.push(format!("name={}", value(&request.name, true)));
    }
    filters
}

#[then(regex = r"^the answered user has status ([A-Z]+)$")]
async fn has_status(world: &mut World, status: String) -> StepResult {
    let wanted = crate::field_value::status(&status).map_err(Failure::broken)?;
    judge(world, &format!("status {status}"), |done| {
        done.user().is_some_and(|done| done.status == wanted)
    })
}

#[then("created_at and updated_at of the answered user are set and equal")]
async fn times_are_equal(world: &mut World) -> StepResult {
    let calls = &world.users.calls;
    let wrong = calls.iter().filter_map(|done| match done.user() {
        Some(user) if user.created_at.is_some() && user.created_at == user.updated_at => None,
        Some(user) => Some(format!("{:?} and {:?}", user.created_at, user.updated_at)),
        None => Some(shown_call(done)),
    });
    all(
        "created_at and updated_at set and equal",
        wrong.collect(),
        calls.len(),
    )
}

#[then("no answered id is empty or answered twice")]
async fn ids_are_unique(world: &mut World) -> StepResult {
    let ids: Vec<&str> = world
        .users
        .calls
        .iter()
        .filter_map(|it| Some(it.user()?.id.as_str()))
        .collect();
    let distinct: BTreeSet<&str> = ids.iter().copied().filter(|it| !it.is_empty()).collect();
    ensure(
        distinct.len() == world.users.calls.len() && !distinct.is_empty(),
        format!("{} different ids", world.users.calls.len()),
        format!("{} different ones: {ids:?}", distinct.len()),
    )
}

#[then(regex = r#"^the answered id is not that of "([A-Z][a-z]+)"$"#)]
async fn id_is_new(world: &mut World, alias: String) -> StepResult {
    let old = &world.tracked_user(&alias)?.now().id;
    judge(world, "a new id", |done| {
        done.user().is_some_and(|done| done.id != *old)
    })
}
