//! Deployments, instances, outages.

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::network::link::Link;
use conformance_engine::observe::holds_for;
use conformance_engine::observe::journal::EventKind;
use cucumber::gherkin::Step;
use cucumber::{given, when};

use crate::contract::components::Resource;
use crate::environment::deployment::{Dependencies, Settings, Slot};
use crate::params::{Outage, Resources, Span, State};
use crate::world::World;

#[given("a deployment of its own")]
async fn own_deployment(world: &mut World) -> StepResult {
    world
        .prepare(Settings::default())
        .await?
        .start_ready()
        .await?;
    Ok(())
}

#[given("a deployment of its own with")]
async fn own_deployment_with(world: &mut World, step: &Step) -> StepResult {
    world.prepare(settings(step)?).await?.start_ready().await?;
    Ok(())
}

#[given("a prepared deployment")]
async fn prepared_deployment(world: &mut World) -> StepResult {
    world.prepare(Settings::default()).await?.add_slot().await?;
    Ok(())
}

#[given("a prepared deployment with")]
async fn prepared_deployment_with(world: &mut World, step: &Step) -> StepResult {
    world.prepare(settings(step)?).await?.add_slot().await?;
    Ok(())
}

#[given("a prepared deployment on an empty database")]
async fn prepared_on_an_empty_database(world: &mut World) -> StepResult {
    let dependencies = Dependencies::unmigrated(&world.environment, world.component).await?;
    world
        .prepare_on(dependencies, Settings::default())?
        .add_slot()
        .await?;
    Ok(())
}

#[given("a second instance")]
async fn second_instance(world: &mut World) -> StepResult {
    world.own()?.start_ready().await?;
    Ok(())
}

/// The links of these resources, of every instance.
fn links<'a>(slots: &'a [Slot], resources: &[Resource]) -> StepResult<Vec<&'a Link>> {
    slots
        .iter()
        .flat_map(|slot| resources.iter().map(move |it| slot.link(*it)))
        .collect()
}

/// Applies an outage to the links of resources, of the first `instances` instances.
async fn apply(
    world: &mut World,
    resources: &Resources,
    outage: Outage,
    instances: usize,
) -> StepResult {
    let found = resources.of(world.component)?;
    world.scenario.journal.record(EventKind::Outage {
        resource: resources.to_string(),
        state: outage.to_string(),
    });
    let slots = world.own()?.slots();
    for link in links(&slots[..instances.min(slots.len())], &found)? {
        outage.apply(link).await;
    }
    Ok(())
}

#[given(expr = "{resources} is {outage}")]
#[when(expr = "{resources} is {outage}")]
async fn resources_outage(world: &mut World, resources: Resources, outage: Outage) -> StepResult {
    apply(world, &resources, outage, usize::MAX).await
}

#[given(expr = "{resources} of the first instance is {outage}")]
#[when(expr = "{resources} of the first instance is {outage}")]
async fn outage_of_one(world: &mut World, resources: Resources, outage: Outage) -> StepResult {
    apply(world, &resources, outage, 1).await
}

#[when(expr = "{resources} comes back empty")]
async fn comes_back_empty(world: &mut World, resources: Resources) -> StepResult {
    let redis = world.own()?.redis()?;
    crate::drivers::redis::empty(&redis.url(redis.address())).await?;
    apply(world, &resources, Outage::Restored, usize::MAX).await
}

#[given(expr = "{resources} of the first instance has been {outage} for {duration}")]
async fn long_outage_of_one(
    world: &mut World,
    resources: Resources,
    outage: Outage,
    window: Span,
) -> StepResult {
    apply(world, &resources, outage, 1).await?;
    keeps_running(world, window.0).await
}

#[given(expr = "{resources} has been {outage} for {duration}")]
#[given(expr = "{resources} has been {outage} for {duration}, without any request")]
async fn long_outage(
    world: &mut World,
    resources: Resources,
    outage: Outage,
    window: Span,
) -> StepResult {
    apply(world, &resources, outage, usize::MAX).await?;
    keeps_running(world, window.0).await
}

async fn keeps_running(world: &mut World, window: Duration) -> StepResult {
    let slot = world.own()?.slot(0)?;
    holds_for("the program runs on", window, async || slot.runs_on()).await
}

#[given(expr = "{resources} is slowed by {duration}")]
#[when(expr = "{resources} is slowed by {duration}")]
async fn slowed(world: &mut World, resources: Resources, delay: Span) -> StepResult {
    let found = resources.of(world.component)?;
    let note = format!("{resources}: slowed by {:?}", delay.0);
    world.scenario.journal.note(note);
    for link in links(world.own()?.slots(), &found)? {
        link.slow(delay.0).await;
    }
    Ok(())
}

#[given(expr = "{resources} was cut and restored")]
async fn was_cut_and_restored(world: &mut World, resources: Resources) -> StepResult {
    for outage in [Outage::Cut, Outage::Restored] {
        apply(world, &resources, outage, usize::MAX).await?;
    }
    Ok(())
}

#[given(
    "the required resource was cut and restored twice, and the program became healthy each time"
)]
async fn two_outages(world: &mut World) -> StepResult {
    let resources = Resources::required();
    for _ in 0..2 {
        for (outage, state) in [
            (Outage::Cut, State::Unhealthy),
            (Outage::Restored, State::Healthy),
        ] {
            apply(world, &resources, outage, usize::MAX).await?;
            super::health::becomes(world, state, super::health::RECOVERY_LIMIT).await?;
        }
    }
    Ok(())
}

#[given("every resource has dropped every connection")]
#[when("every resource drops every connection")]
async fn drop_every_connection(world: &mut World) -> StepResult {
    let note = "every resource drops every connection";
    world.scenario.journal.note(note);
    let resources = world.component.resources;
    for link in links(world.own()?.slots(), resources)? {
        link.reset().await;
    }
    Ok(())
}

#[when("the database refuses every login")]
async fn refuses_every_login(world: &mut World) -> StepResult {
    let database = world.own()?.database()?.clone();
    let postgres = world.environment.postgres().await?;
    crate::drivers::database::refuse_logins(&postgres, &database).await
}

/// The table of a step as settings; `(unset)` leaves a variable out, `(empty)` sets it empty.
pub fn settings(step: &Step) -> StepResult<Settings> {
    let rows = step.table.as_ref().map(|it| it.rows.as_slice());
    let Some([header, rows @ ..]) = rows else {
        return Err(Failure::broken(
            "the step needs a table | setting | value |",
        ));
    };
    if header != &["setting", "value"] {
        return Err(Failure::broken(
            "the table's columns are | setting | value |",
        ));
    }
    let mut settings = Settings::default();
    for row in rows {
        match row[1].as_str() {
            "(unset)" => settings.unset(&row[0]),
            "(empty)" => settings.set(&row[0], ""),
            value => settings.set(&row[0], value),
        }
    }
    Ok(settings)
}
