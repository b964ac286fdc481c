//! What a scenario runs on: deployments, instances, outages.

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::network::link::Link;
use conformance_engine::observe::holds_for;
use cucumber::gherkin::Step;
use cucumber::{given, when};

use crate::component::Resource;
use crate::deployment::{Attached, Settings, Slot};
use crate::params::{Resources, Span, State};
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
    let attached = Attached::unmigrated(&world.site).await?;
    world
        .prepare_on(attached, Settings::default())?
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

#[given(
    regex = r"^(the database|Redis|the user service|the required resource|the optional resource|every resource|no resource) is (cut|hung|restored)$"
)]
#[when(
    regex = r"^(the database|Redis|the user service|the required resource|the optional resource|every resource|no resource) is (cut|hung|restored)$"
)]
async fn outage(world: &mut World, resources: Resources, what: String) -> StepResult {
    let resources = resources.of(world.component);
    world.scene.journal.note(format!("{resources:?} {what}"));
    for link in links(world.own()?.slots(), &resources)? {
        match what.as_str() {
            "cut" => link.cut().await,
            "hung" => link.hang().await,
            _ => link.restore().await,
        }
    }
    Ok(())
}

#[given(regex = r"^(the database|Redis) of the first instance is (cut|hung)$")]
#[when(regex = r"^(the database|Redis) of the first instance is (restored)$")]
async fn outage_of_one(world: &mut World, resources: Resources, what: String) -> StepResult {
    let resources = resources.of(world.component);
    let note = format!("{resources:?} of the first instance {what}");
    world.scene.journal.note(note);
    let slots = world.own()?.slots();
    for link in links(&slots[..1.min(slots.len())], &resources)? {
        match what.as_str() {
            "cut" => link.cut().await,
            "hung" => link.hang().await,
            _ => link.restore().await,
        }
    }
    Ok(())
}

#[given(regex = r"^(the database|Redis) of the first instance has been (cut|hung) for (\d+ s)$")]
async fn one_has_been_away(
    world: &mut World,
    resources: Resources,
    what: String,
    window: Span,
) -> StepResult {
    outage_of_one(world, resources, what).await?;
    let slot = world.own()?.slot(0)?;
    holds_for("the program runs on", window.0, async || slot.runs_on()).await
}

#[given(regex = r"^(the database|every resource) is slowed by (\d+ ms)$")]
#[when(regex = r"^(the required resource|the optional resource) is slowed by (\d+ ms)$")]
async fn slowed(world: &mut World, resources: Resources, delay: Span) -> StepResult {
    let resources = resources.of(world.component);
    let note = format!("{resources:?} slowed by {:?}", delay.0);
    world.scene.journal.note(note);
    for link in links(world.own()?.slots(), &resources)? {
        link.slow(delay.0).await;
    }
    Ok(())
}

#[given(
    regex = r"^(the required resource|the optional resource|every resource) has been (cut|hung) for (\d+ (?:ms|s))(?:, with nobody asking)?$"
)]
async fn has_been_away(
    world: &mut World,
    resources: Resources,
    what: String,
    window: Span,
) -> StepResult {
    outage(world, resources, what).await?;
    let slot = world.own()?.slot(0)?;
    holds_for("the program runs on", window.0, async || slot.runs_on()).await
}

#[given("the database was cut and restored")]
async fn was_cut_and_restored(world: &mut World) -> StepResult {
    for what in ["cut", "restored"] {
        let database = named("the database")?;
        outage(world, database, what.to_owned()).await?;
    }
    Ok(())
}

/// Resources by their words.
fn named(words: &str) -> StepResult<Resources> {
    words.parse().map_err(Failure::broken)
}

#[given(
    "the required resource was cut and restored twice, and the program became healthy each time"
)]
async fn two_outages(world: &mut World) -> StepResult {
    for _ in 0..2 {
        for (what, state) in [("cut", State::Unhealthy), ("restored", State::Healthy)] {
            outage(world, named("the required resource")?, what.to_owned()).await?;
            super::health::becomes(world, state, super::health::RECOVERY).await?;
        }
    }
    Ok(())
}

#[given("every resource has dropped every connection")]
#[when("every resource drops every connection")]
async fn drop_every_connection(world: &mut World) -> StepResult {
    let note = "every resource drops every connection";
    world.scene.journal.note(note);
    let resources = world.component.resources();
    for link in links(world.own()?.slots(), resources)? {
        link.reset().await;
    }
    Ok(())
}

#[when("the database refuses every login")]
async fn refuses_every_login(world: &mut World) -> StepResult {
    let database = world.own()?.database()?.clone();
    crate::drivers::database::refuse_logins(&world.site, &database).await
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
