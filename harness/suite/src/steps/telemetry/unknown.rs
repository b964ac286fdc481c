//! Requests that share a label: the number of series does not grow with traffic (MET-2, MET-3).

use std::collections::BTreeSet;

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::exposition::{Exposition, Labels};
use cucumber::{given, then, when};
use user_proto::v1::ListUsersRequest;

use super::counted::{now_at_rest, read_at_rest};
use crate::checks::finished_request::is_template;
use crate::checks::metrics::counts::{growth, request_families};
use crate::checks::metrics::families;
use crate::drivers::wire::framed;
use crate::world::World;
use crate::world::gateway::SentRequest;

/// Letters and digits that no other request has.
fn random() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..16].to_owned()
}

/// A method that no HTTP server has: letters alone.
fn unknown_method() -> String {
    let letter = |digit: u8| char::from(b'A' + digit % 26);
    uuid::Uuid::new_v4().as_bytes()[..10]
        .iter()
        .map(|it| letter(*it))
        .collect()
}

/// A query of the program's own, such as a poll, may have its first series while the scenario runs; a label that grows with the
/// requests has more.
const MOST_NEW_QUERIES: usize = 10;

const KINDS: &str = "unknown routes|unknown HTTP methods|unknown gRPC methods|ids in paths|parameters in queries|unknown ids|filters by name|names and emails";

#[given(regex = r"^(\d+) requests with ([a-zA-Z ]+) were made$")]
#[when(regex = r"^(\d+) requests with ([a-zA-Z ]+) are made$")]
async fn are_made(world: &mut World, count: usize, kind: String) -> StepResult {
    for _ in 0..count {
        make_one(world, &kind).await?;
    }
    let note = format!("{count} requests with {kind}");
    world.scenario.journal.note(note);
    Ok(())
}

/// Makes one request of a kind; its answer is judged by other clauses.
async fn make_one(world: &mut World, kind: &str) -> StepResult {
    let unique = random();
    match kind {
        "unknown routes" => http(world, "GET", &format!("/{unique}/{unique}")).await,
        "unknown HTTP methods" => http(world, &unknown_method(), "/live").await,
        "ids in paths" => http(world, "GET", &format!("/api/v1/users/{unique}")).await,
        "parameters in queries" => {
            let path = format!("/api/v1/users?filter=name%3D{unique}&x={unique}");
            http(world, "GET", &path).await
        }
        "unknown gRPC methods" => unknown_call(world, &unique).await,
        "unknown ids" => {
            // The form of most ids, so that a service looks for it.
            let id = uuid::Uuid::new_v4().to_string();
            world.client(0).await?.quiet().get(&id).await;
            Ok(())
        }
        "filters by name" => {
            let request = ListUsersRequest {
                filter: format!("name={unique}"),
                ..Default::default()
            };
            world.client(0).await?.quiet().list(request).await;
            Ok(())
        }
        "names and emails" => {
            let mut request = world.newcomer();
            request.name = unique;
            world.client(0).await?.quiet().create(request).await;
            Ok(())
        }
        other => Err(Failure::broken(format!("{other:?} is none of {KINDS}"))),
    }
}

async fn http(world: &mut World, method: &str, path: &str) -> StepResult {
    let mut request = SentRequest::parse(&format!("{method} {path}"))?;
    request.id = Some(random());
    let client = world.gateway().await?;
    let exchange = crate::steps::gateway::exchange(&client, request).await?;
    // A parser may close the connection of a method that it does not have.
    drop(exchange);
    Ok(())
}

/// Calls an unknown method of the service, and one of an unknown service.
async fn unknown_call(world: &mut World, unique: &str) -> StepResult {
    for path in [
        format!("/user.v1.UserService/M{unique}"),
        format!("/s{unique}.Service/M{unique}"),
    ] {
        let ended = world.wire().await?.call(&path, framed(&[]), None).await;
        ensure(
            ended.code() == Some(crate::drivers::Code::Unimplemented),
            "UNIMPLEMENTED",
            ended,
        )?;
    }
    Ok(())
}

#[given("the series were counted")]
async fn were_counted(world: &mut World) -> StepResult {
    let page = now_at_rest(world).await?;
    world.telemetry.series = families::request_series(&page);
    read_at_rest(world).await
}

#[then("there are as many series as before")]
async fn as_many_series(world: &mut World) -> StepResult {
    let page = now_at_rest(world).await?;
    let (before, now) = (world.telemetry.series, families::request_series(&page));
    let earlier = world.telemetry.before(0)?;
    let new = new_series(earlier, &page).join("; ");
    ensure(
        now == before && before > 0,
        format!("{before} series"),
        format!("{now}, such as {new}"),
    )?;
    let more = families::queries(&page).saturating_sub(families::queries(earlier));
    ensure(
        more < MOST_NEW_QUERIES,
        "queries from a fixed set",
        format!("{more} more than before, such as {new}"),
    )
}

/// Some series of the contract's families that are on the later page alone.
fn new_series(before: &Exposition, after: &Exposition) -> Vec<String> {
    let new = families::CONTRACT.iter().flat_map(|name| {
        let known = before.family(name).map_or(&[][..], |it| &it.samples);
        let samples = after.family(name).map_or(&[][..], |it| &it.samples);
        let is_known = |labels: &Labels| known.iter().any(|it| it.labels == *labels);
        samples.iter().filter(move |it| !is_known(&it.labels))
    });
    let shown = new.take(3).map(|it| format!("{} {:?}", it.name, it.labels));
    shown.collect()
}

/// The values of a label of the series of a counter that have grown, and the sum of their growth.
async fn grown(world: &mut World, http: bool, label: &str) -> StepResult<(BTreeSet<String>, u64)> {
    let page = now_at_rest(world).await?;
    let grown = growth(world.telemetry.before(0)?, &page, request_families(http).0);
    let grown = grown.map_err(|got| Failure::mismatch("counters that grow", got))?;
    let values = grown.keys().filter_map(|it| it.get(label).cloned());
    Ok((values.collect(), grown.values().sum()))
}

#[then(regex = r"^all (\d+) are counted under one path, which is no route's$")]
async fn under_one_path(world: &mut World, count: u64) -> StepResult {
    let (paths, sum) = grown(world, true, "path").await?;
    ensure(
        sum == count && paths.len() == 1 && !paths.iter().any(|it| is_template(it)),
        format!("{count} requests under one path that is no route's"),
        format!("{sum} requests under {paths:?}"),
    )
}

#[then(regex = r"^they are counted under one (HTTP|gRPC) method, or not at all$")]
async fn under_one_method(world: &mut World, over: String) -> StepResult {
    let (methods, sum) = grown(world, over == "HTTP", "method").await?;
    ensure(
        methods.len() <= 1,
        "one method for all unknown ones",
        format!("{sum} requests under {methods:?}"),
    )
}
