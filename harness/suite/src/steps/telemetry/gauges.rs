//! Gauges, and `users_created_total` (MET-6).

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::{eventually, holds_for};
use cucumber::{given, then, when};

use super::{QUIET_WINDOW, page_of};
use crate::drivers::{Code, database};
use crate::params::{Nth, Span};
use crate::world::World;

/// How soon a counter, or a gauge that has no time of its own, shows what has happened.
const SHOWN_WITHIN: Duration = Duration::from_secs(1);

/// How soon the number of connections is that of the server, at rest: pools look at their connections now and then.
const REST_LIMIT: Duration = Duration::from_secs(15);

/// Whether two values of a gauge are the same whole number.
fn is_value(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() < f64::EPSILON
}

/// Waits until a family without labels has this value on each of these instances.
async fn has_value(
    world: &mut World,
    (name, value): (&str, f64),
    instances: std::ops::Range<usize>,
    limit: Duration,
) -> StepResult {
    let limit = world.scenario.patience.stretch(limit);
    let deployment = world.deployment().await?;
    eventually(format!("{name} {value}"), limit, async || {
        for index in instances.clone() {
            let slot = deployment.slot(index).map_err(|it| it.to_string())?;
            let found = page_of(slot).await?.single(name)?;
            if !is_value(found, value) {
                return Err(format!("{found} on {}", slot.name));
            }
        }
        Ok(())
    })
    .await
}

#[given(regex = r"^`(active_users)` is (\d+) on every instance$")]
async fn is_on_every_instance(world: &mut World, name: String, value: f64) -> StepResult {
    is_within(world, Span(Duration::from_secs(5)), name, value).await
}

#[then(regex = r"^within (\d+ s) `(active_users)` is (\d+) on every instance$")]
async fn is_within(world: &mut World, limit: Span, name: String, value: f64) -> StepResult {
    let count = world.deployment().await?.slots().len();
    has_value(world, (&name, value), 0..count, limit.0).await
}

#[then(regex = r"^`(users_created_total)` has grown by (\d+) on the (first|second) instance$")]
async fn has_grown(world: &mut World, name: String, by: f64, instance: Nth) -> StepResult {
    let before = world.telemetry.before(instance.0)?.single(&name);
    let before = before.map_err(|got| Failure::mismatch(&name, got))?;
    let instances = instance.0..instance.0 + 1;
    has_value(world, (&name, before + by), instances, SHOWN_WITHIN).await?;
    let slot = world.deployment().await?.slot(instance.0)?;
    holds_for(
        format!("{name} has grown by {by}"),
        QUIET_WINDOW,
        async || {
            let found = page_of(slot).await?.single(&name)?;
            is_value(found, before + by)
                .then_some(())
                .ok_or(format!("{found}, from {before}"))
        },
    )
    .await
}

#[then(regex = r"^`(users_created_total)` is (\d+) on the (first|second) instance$")]
async fn is_on_one(world: &mut World, name: String, value: f64, instance: Nth) -> StepResult {
    has_value(
        world,
        (&name, value),
        instance.0..instance.0 + 1,
        SHOWN_WITHIN,
    )
    .await
}

#[then(regex = r"^`(http_requests_in_flight)` is (\d+)$")]
async fn in_flight_is(world: &mut World, name: String, value: f64) -> StepResult {
    has_value(world, (&name, value), 0..1, SHOWN_WITHIN).await
}

#[then(regex = r"^within (\d+ s) `(http_requests_in_flight)` is (\d+)$")]
async fn in_flight_is_within(
    world: &mut World,
    limit: Span,
    name: String,
    value: f64,
) -> StepResult {
    has_value(world, (&name, value), 0..1, limit.0).await
}

#[when(regex = r"^(\d+) users are created on the (first|second) instance$")]
async fn are_created_on(world: &mut World, count: usize, instance: Nth) -> StepResult {
    let requests: Vec<_> = (0..count).map(|_| world.newcomer()).collect();
    let client = world.client(instance.0).await?;
    let created = client.create_each(&requests).await;
    created
        .map(drop)
        .map_err(|got| Failure::mismatch("creates that succeed", got))
}

#[when("a create is refused by the database")]
async fn is_refused(world: &mut World) -> StepResult {
    super::calls::call(world, ("CreateUser", "valid values"), Code::Internal).await
}

#[then("`db_connections_open` is the number of connections that the database has, at rest")]
async fn is_the_number_of_connections(world: &mut World) -> StepResult {
    let limit = world.scenario.patience.stretch(REST_LIMIT);
    let database = world.own()?.database()?.clone();
    let client = world.own()?.database_client().await?;
    let slot = world.own()?.slot(0)?;
    eventually(
        "as many connections as the database has",
        limit,
        async || {
            let found = database::connections(&client, &database).await;
            let found = found.map_err(|it| it.to_string())?;
            is_count(page_of(slot).await?.single("db_connections_open")?, found)
        },
    )
    .await
}

/// Checks a gauge against the connections that the database has.
fn is_count(shown: f64, found: i64) -> Result<(), String> {
    #[expect(clippy::cast_precision_loss, reason = "a few connections")]
    let wanted = found as f64;
    if found > 0 && is_value(shown, wanted) {
        return Ok(());
    }
    Err(format!("{shown}, and the database has {found}"))
}
