//! Requests for streams.

use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult};
use cucumber::gherkin::Step;
use cucumber::{given, then, when};
use user_proto::v1::ListUsersRequest;

use super::terms;
use crate::checks::all;
use crate::checks::stream_history::key;
use crate::drivers::Status;
use crate::drivers::streams::{Pace, UserStream};
use crate::drivers::users::shown;
use crate::params::{Nth, Span, StatusCode, code_name};
use crate::steps::users::table;
use crate::world::World;
use crate::world::streams::Subscriber;

/// Time limit of the headers, which are sent once the subscription is live (STR-1).
const HEADERS_LIMIT: Duration = Duration::from_secs(5);

/// Time limit to accept or refuse a stream while a resource is unavailable (STR-5).
const DECISION_LIMIT: Duration = Duration::from_secs(15);

async fn request_stream(
    world: &mut World,
    alias: String,
    request: ListUsersRequest,
    instance: usize,
    (pace, limit): (Pace, Duration),
) -> StepResult<Option<Status>> {
    let terms = terms(&request.filter)?;
    let url = world.deployment().await?.slot(instance)?.grpc_url()?;
    let limit = world.environment.patience.stretch(limit);
    let stream = UserStream::open(&url, request, pace, limit, &world.scenario).await?;
    let refusal = stream.as_ref().err().cloned();
    let opened = Instant::now();
    let subscriber = Subscriber {
        stream,
        terms,
        opened,
        earlier: world.every_state().iter().map(key).collect(),
    };
    world.streams.streams.insert(alias, subscriber);
    Ok(refusal)
}

/// Opens a stream; a refusal is a mismatch.
pub async fn open(
    world: &mut World,
    alias: String,
    request: ListUsersRequest,
    instance: usize,
    pace: Pace,
) -> StepResult {
    match request_stream(world, alias, request, instance, (pace, HEADERS_LIMIT)).await? {
        None => Ok(()),
        Some(status) => Err(Failure::mismatch(
            "StreamUsers answers with its headers as soon as the subscription is live",
            shown(&status),
        )),
    }
}

#[given(
    regex = r#"^a stream "([A-Z][a-z]+)" of (?:all users|users with `(.+)`)(?: on the (first|second) instance)? is open(, which is not read|, which takes one message every \d+ ms)?$"#
)]
#[when(
    regex = r#"^a stream "([A-Z][a-z]+)" of (?:all users|users with `(.+)`)(?: on the (first|second) instance)? is opened()$"#
)]
async fn is_open(
    world: &mut World,
    alias: String,
    filter: String,
    instance: String,
    unread: String,
) -> StepResult {
    let request = users_with(world, &filter)?;
    let instance = nth(&instance)?;
    let pace = pace(&unread)?;
    open(world, alias, request, instance, pace).await
}

#[given(
    regex = r#"^a stream "([A-Z][a-z]+)" of users with `(.+)` is open with pages of 1 in order of `name`$"#
)]
async fn is_open_with_paging(world: &mut World, alias: String, filter: String) -> StepResult {
    let request = ListUsersRequest {
        filter: world.text(&filter)?,
        page_size: 1,
        order_by: "name".to_owned(),
        ..Default::default()
    };
    open(world, alias, request, 0, Pace::AtOnce).await
}

#[given(regex = r"^(\d+) streams of users with `(.+)` were opened and closed$")]
async fn were_opened_and_closed(world: &mut World, count: usize, filter: String) -> StepResult {
    for number in 0..count {
        let alias = format!("Left{number}");
        let request = users_with(world, &filter)?;
        open(world, alias.clone(), request, 0, Pace::AtOnce).await?;
        // Dropping it closes its connection.
        world.streams.streams.remove(&alias);
    }
    Ok(())
}

#[given(regex = r"^(\d+) streams of users with `(.+)` are open$")]
async fn are_open(world: &mut World, count: usize, filter: String) -> StepResult {
    for number in 0..count {
        let request = users_with(world, &filter)?;
        open(world, format!("Open{number}"), request, 0, Pace::AtOnce).await?;
    }
    Ok(())
}

#[when(regex = r#"^a stream "([A-Z][a-z]+)" of users with `(.+)` is requested for$"#)]
async fn is_requested(world: &mut World, alias: String, filter: String) -> StepResult {
    let request = users_with(world, &filter)?;
    request_stream(world, alias, request, 0, (Pace::AtOnce, DECISION_LIMIT))
        .await
        .map(|_| ())
}

#[then(regex = r#"^the stream "([A-Z][a-z]+)" is open, or was refused with ([A-Z_]+)$"#)]
async fn is_open_or_refused(world: &mut World, alias: String, code: StatusCode) -> StepResult {
    match &world.streams.stream(&alias)?.stream {
        Ok(_) => Ok(()),
        Err(status) if status.code() == code.0 => Ok(()),
        Err(status) => Err(Failure::mismatch(
            format!("an open stream, or {}", code_name(code.0)),
            shown(status),
        )),
    }
}

#[when("a stream is opened with each of these filters")]
async fn is_opened_with_each(world: &mut World, step: &Step) -> StepResult {
    let mut refusals = Vec::new();
    for row in table(step, &["filter"])? {
        let request = users_with(world, &row[0])?;
        refusals.push(refusal(world, request).await?);
    }
    world.streams.refusals = refusals;
    Ok(())
}

/// Opens a stream that must be refused; the status with which it was.
async fn refusal(world: &mut World, request: ListUsersRequest) -> StepResult<Option<Status>> {
    let url = world.deployment().await?.slot(0)?.grpc_url()?;
    let limit = world.environment.patience.stretch(HEADERS_LIMIT);
    let opened = UserStream::open(&url, request, Pace::AtOnce, limit, &world.scenario).await?;
    Ok(match opened {
        Err(status) => Some(status),
        // Some servers send headers first and the status after them.
        Ok(stream) => super::delivery::ended(&stream, limit).await,
    })
}

/// A request for the users that match a feature's filter.
pub fn users_with(world: &World, filter: &str) -> StepResult<ListUsersRequest> {
    Ok(ListUsersRequest {
        filter: world.text(filter)?,
        ..ListUsersRequest::default()
    })
}

#[then(regex = r"^every stream fails with ([A-Z_]+)$")]
async fn every_stream_fails(world: &mut World, code: StatusCode) -> StepResult {
    let expected = format!("every stream fails with {}", code_name(code.0));
    let wrong = |refusal: &Option<Status>| match refusal {
        Some(status) if status.code() == code.0 => None,
        Some(status) => Some(shown(status)),
        None => Some("a stream that is open".to_owned()),
    };
    let refusals = &world.streams.refusals;
    all(
        &expected,
        refusals.iter().filter_map(wrong).collect(),
        refusals.len(),
    )
}

/// How the messages of a stream are taken, by the words behind it.
fn pace(words: &str) -> StepResult<Pace> {
    match words.strip_prefix(", which takes one message every ") {
        Some(pause) => pause
            .parse::<Span>()
            .map(|it| Pace::Every(it.0))
            .map_err(Failure::broken),
        None if words.is_empty() => Ok(Pace::AtOnce),
        None => Ok(Pace::Never),
    }
}

fn nth(text: &str) -> StepResult<usize> {
    match text {
        "" => Ok(0),
        word => word.parse::<Nth>().map(|it| it.0).map_err(Failure::broken),
    }
}
