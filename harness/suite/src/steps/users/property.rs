//! Statements about all inputs.

use conformance_engine::failure::{Failure, StepResult};
use cucumber::then;
use tokio::task::JoinHandle;

use crate::contract::components::user_service::REDIS;
use crate::drivers::users::Users;
use crate::params::Outage;
use crate::properties::{filters, histories, orders, pagination, stateful, texts};
use crate::world::World;

/// Clients, over the instances in turn, each on its own connection.
async fn clients(world: &mut World, count: usize) -> StepResult<Vec<Users>> {
    let instances = world.deployment().await?.slots().len();
    let mut clients = Vec::new();
    for index in 0..count.max(instances) {
        clients.push(world.fresh_client(index % instances).await?);
    }
    Ok(clients)
}

#[then("any email is accepted or refused as the rules of emails say")]
async fn any_email(world: &mut World) -> StepResult {
    texts::emails(world.client(0).await?, world.scenario.seed).await
}

#[then("any name is accepted or refused as the rules of names say")]
async fn any_name(world: &mut World) -> StepResult {
    texts::names(world.client(0).await?, world.scenario.seed).await
}

#[then("any metadata is accepted or refused as the rules of metadata say")]
async fn any_metadata(world: &mut World) -> StepResult {
    texts::metadata(world.client(0).await?, world.scenario.seed).await
}

#[then("any text in any field of any call is kept or refused as the clauses say")]
async fn any_text(world: &mut World) -> StepResult {
    texts::anywhere(world.client(0).await?, world.scenario.seed).await
}

#[then("any filter is answered as the model answers it")]
async fn any_filter(world: &mut World) -> StepResult {
    filters::check(clients(world, 1).await?, world.scenario.seed).await
}

#[then("any users are listed in every order as the model orders them")]
async fn any_order(world: &mut World) -> StepResult {
    orders::check(clients(world, 1).await?, world.scenario.seed).await
}

#[then("any list over all pages returns every stable user exactly once while other clients write")]
async fn any_walk(world: &mut World) -> StepResult {
    pagination::check(clients(world, 1).await?, world.scenario.seed).await
}

#[then(regex = r"^any sequence of (\d+) user operations by (\d+) clients agrees with the model$")]
async fn any_sequence(world: &mut World, length: usize, count: usize) -> StepResult {
    stateful::check(clients(world, count).await?, length, world.scenario.seed).await
}

#[then(regex = r"^every history of one user under (\d+) concurrent clients is linearizable$")]
async fn every_history(world: &mut World, count: usize) -> StepResult {
    histories::check(clients(world, count).await?, 12, world.scenario.seed).await
}

#[then(
    regex = r"^the history of one user under (\d+) concurrent clients is linearizable while Redis is cut and restored$"
)]
async fn history_under_outages(world: &mut World, count: usize) -> StepResult {
    let clients = clients(world, count).await?;
    let seed = world.scenario.seed;
    for round in 0..4 {
        for (outage, seed) in [
            (Outage::Cut, seed),
            (Outage::Restored, seed.wrapping_add(100)),
        ] {
            let history = judge_history(&clients, seed.wrapping_add(round));
            for slot in world.own()?.slots() {
                outage.apply(slot.link(REDIS)?).await;
            }
            history.await.map_err(Failure::broken)??;
        }
    }
    Ok(())
}

/// Makes and judges one history while the scenario goes on.
fn judge_history(clients: &[Users], seed: u64) -> JoinHandle<StepResult> {
    let clients = clients.to_vec();
    tokio::spawn(async move { histories::one(&clients, seed).await })
}
