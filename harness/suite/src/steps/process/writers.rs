//! Clients that write while instances are killed (CFG-9).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::eventually;
use cucumber::{given, then, when};
use tokio_util::sync::CancellationToken;
use user_proto::v1::{CreateUserRequest, UpdateUserRequest, User};

use crate::checks::all;
use crate::drivers::Code;
use crate::drivers::users::{Users, shown};
use crate::world::World;
use crate::world::process::{WriterChange, Writers, WrittenUser};

#[given("clients write without pause")]
async fn clients_write(world: &mut World) -> StepResult {
    let instances = world.own()?.slots().len();
    let written = Arc::<Mutex<Vec<WrittenUser>>>::default();
    let stop = CancellationToken::new();
    let mut tasks = Vec::new();
    for number in 0..4 {
        let client = world.fresh_client(number % instances).await?.quiet();
        let scenario = format!("{number}-{}", world.scenario.id);
        tasks.push(tokio::spawn(write(
            client,
            scenario,
            written.clone(),
            stop.clone(),
        )));
    }
    eventually(
        "40 users are written",
        Duration::from_secs(30),
        async || {
            let count = written.lock().unwrap_or_else(PoisonError::into_inner).len();
            if count >= 40 {
                Ok(())
            } else {
                Err(format!("{count} users"))
            }
        },
    )
    .await?;
    world.process.writers = Some(Writers {
        written,
        stop,
        tasks,
    });
    Ok(())
}

/// Creates, renames and deletes users one after the other, until it is stopped.
async fn write(
    client: Users,
    scenario: String,
    written: Arc<Mutex<Vec<WrittenUser>>>,
    stop: CancellationToken,
) {
    let mut number = 0;
    while !stop.is_cancelled() {
        number += 1;
        let request = CreateUserRequest {
            email: format!("writer-{number}-{scenario}@example.com"),
            name: format!("Writer-{number}-{scenario}"),
            ..Default::default()
        };
        let Ok(user) = client.create(request).await.result else {
            // Without its id, its state cannot be checked.
            tokio::task::yield_now().await;
            continue;
        };
        let one = live(&client, user, number).await;
        written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(one);
    }
}

/// Two renames, and a delete of every third.
async fn live(client: &Users, user: User, number: usize) -> WrittenUser {
    let mut one = WrittenUser {
        id: user.id.clone(),
        acknowledged: Some(user),
        unanswered: None,
    };
    for round in 0..2 {
        let name = format!("Renamed-{round}-{}", one.id);
        let request = UpdateUserRequest {
            id: one.id.clone(),
            name: Some(name.clone()),
            ..Default::default()
        };
        let Ok(user) = client.update(request).await.result else {
            one.unanswered = Some(WriterChange::Rename(name));
            return one;
        };
        one.acknowledged = Some(user);
    }
    if number.is_multiple_of(3) {
        match client.delete(&one.id).await.result {
            Ok(()) => one.acknowledged = None,
            Err(_) => one.unanswered = Some(WriterChange::Delete),
        }
    }
    one
}

#[then("every acknowledged write is served")]
async fn every_write_is_served(world: &mut World) -> StepResult {
    let Some(mut writers) = world.process.writers.take() else {
        return Err(Failure::broken("nobody writes in this scenario"));
    };
    writers.stop.cancel();
    for task in writers.tasks.drain(..) {
        task.await.map_err(Failure::broken)?;
    }
    let written = writers
        .written
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let alive: Vec<usize> = {
        let slots = world.own()?.slots();
        (0..slots.len())
            .filter(|it| slots[*it].runs_on().is_ok())
            .collect()
    };
    if alive.is_empty() {
        return Err(Failure::mismatch(
            "an instance that serves",
            "none runs any more",
        ));
    }
    let mut wrong = Vec::new();
    for index in alive {
        let client = world.fresh_client(index).await?.quiet();
        for one in &written {
            wrong.extend(served(&client, one).await.err());
        }
    }
    all("every acknowledged write", wrong, written.len())
}

async fn served(client: &Users, one: &WrittenUser) -> Result<(), String> {
    let call = client.get(&one.id).await;
    let (code, seen) = (call.code(), call.result);
    let fits = match (&seen, &one.acknowledged, &one.unanswered) {
        (Ok(seen), Some(known), _) if seen == known => true,
        (Ok(seen), Some(_), Some(WriterChange::Rename(name))) => seen.name == *name,
        (Err(_), None, _) | (Err(_), _, Some(WriterChange::Delete)) => code == Code::NotFound,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let seen = seen.map_or_else(|status| shown(&status), |user| format!("{user:?}"));
    Err(format!("{seen} instead of {one:?}"))
}

#[when(regex = r"^(\d+) users are created, updated and deleted on both instances in turn$")]
async fn lives_in_turn(world: &mut World, count: usize) -> StepResult {
    for number in 0..count {
        super::super::users::calls::live_in_turn(world, number).await?;
    }
    Ok(())
}

#[then("every step saw the one before it")]
async fn every_step_saw(world: &mut World) -> StepResult {
    super::super::users::states::reads_show_changes(world).await
}
