//! What a scenario runs on: deployments, instances, outages.

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::network::link::Link;
use cucumber::gherkin::Step;
use cucumber::{given, when};

use crate::deployment::Settings;
use crate::params::{Resource, Span};
use crate::world::World;

#[given("a deployment of its own")]
async fn own_deployment(world: &mut World) -> StepResult {
    world.prepare(Settings::default()).await?.start_ready().await?;
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

#[given("a second instance")]
async fn second_instance(world: &mut World) -> StepResult {
    world.own()?.start_ready().await?;
    Ok(())
}

#[given(regex = r"^(the database|Redis|the required resource|the optional resource) is (cut|hung|restored)$")]
#[when(regex = r"^(the database|Redis|the required resource|the optional resource) is (cut|hung|restored)$")]
async fn outage(world: &mut World, resource: Resource, what: String) -> StepResult {
    world.scene.journal.note(format!("{resource:?} is {what}"));
    for slot in world.own()?.slots() {
        let link = match resource {
            Resource::Database => &slot.database,
            Resource::Redis => &slot.redis,
        };
        change(link, &what).await?;
    }
    Ok(())
}

#[given(regex = r"^the database is slowed by (\d+ ms)$")]
async fn slowed(world: &mut World, delay: Span) -> StepResult {
    for slot in world.own()?.slots() {
        slot.database.slow(delay.0).await;
    }
    Ok(())
}

#[given("the database was cut and restored")]
async fn was_cut_and_restored(world: &mut World) -> StepResult {
    for what in ["cut", "restored"] {
        outage(world, Resource::Database, what.to_owned()).await?;
    }
    Ok(())
}

#[given("every instance was killed and started again")]
async fn killed_and_started_again(world: &mut World) -> StepResult {
    let deployment = world.own()?;
    for index in 0..deployment.slots().len() {
        deployment.slot(index)?.instance()?.kill().await;
        deployment.start(index)?;
        deployment.ready(index).await?;
    }
    world.hang_up();
    Ok(())
}

#[given("the program was started and is ready")]
async fn started_and_ready(world: &mut World) -> StepResult {
    let deployment = world.own()?;
    deployment.start(0)?;
    deployment.ready(0).await
}

async fn change(link: &Link, what: &str) -> StepResult {
    match what {
        "cut" => link.cut().await,
        "hung" => link.hang().await,
        "restored" => link.restore().await,
        other => return Err(Failure::broken(format!("a link cannot be {other:?}"))),
    }
    Ok(())
}

/// The table of a step as settings; `(unset)` leaves a variable out, `(empty)` sets it empty.
pub fn settings(step: &Step) -> StepResult<Settings> {
    let rows = step.table.as_ref().map(|it| it.rows.as_slice());
    let Some([header, rows @ ..]) = rows else {
        return Err(Failure::broken("the step needs a table | setting | value |"));
    };
    if header != &["setting", "value"] {
        return Err(Failure::broken("the table's columns are | setting | value |"));
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
