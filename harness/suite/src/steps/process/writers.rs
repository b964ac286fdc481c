//! Clients that write while instances are killed (CFG-9).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::eventually;
use cucumber::{given, then, when};
use tokio_util::sync::CancellationToken;
use user_proto::v1::{CreateUserRequest, UpdateUserRequest, User};

use crate::checks::all;
use crate::drivers::users::{Users, shown};
use crate::drivers::{Code, Status};
use crate::world::World;
use crate::world::process::{WriterChange, Writers, WrittenUser};

/// Number of clients.
const CLIENTS: usize = 4;

/// So many users are written before the scenario goes on.
const ENOUGH_USERS: usize = 40;

#[given("clients write without pause")]
async fn clients_write(world: &mut World) -> StepResult {
    let instances = world.own()?.slots().len();
    let mut writers = Writers::default();
    for number in 0..CLIENTS {
        let client = world.fresh_client(number % instances).await?.quiet();
        let name = format!("{number}-{}", world.scenario.id);
        let writing = write(client, name, writers.written.clone(), writers.stop.clone());
        writers.tasks.push(tokio::spawn(writing));
    }
    have_written(&writers, ENOUGH_USERS).await?;
    world.process.writers = Some(writers);
    Ok(())
}

/// Waits until the clients have written so many users.
async fn have_written(writers: &Writers, users: usize) -> StepResult {
    let what = format!("{users} users are written");
    eventually(what, Duration::from_secs(30), async || {
        let count = writers.users().len();
        (count >= users)
            .then_some(())
            .ok_or(format!("{count} users"))
    })
    .await
}

/// Creates, renames and deletes users one after the other, until it is stopped.
async fn write(
    client: Users,
    name: String,
    written: Arc<Mutex<Vec<WrittenUser>>>,
    stop: CancellationToken,
) {
    let mut number = 0;
    while !stop.is_cancelled() {
        number += 1;
        let request = CreateUserRequest {
            email: format!("writer-{number}-{name}@example.com"),
            name: format!("Writer-{number}-{name}"),
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
    let writers = world.process.writers.take();
    let writers = writers.ok_or_else(|| Failure::broken("the scenario has no writing clients"))?;
    let written = writers.finish().await?;
    let mut wrong = Vec::new();
    for instance in running(world)? {
        let client = world.fresh_client(instance).await?.quiet();
        for user in &written {
            let read = client.get(&user.id).await;
            wrong.extend(serves(user, read.result).err());
        }
    }
    all("every acknowledged write", wrong, written.len())
}

/// The instances that run, at least one.
fn running(world: &mut World) -> StepResult<Vec<usize>> {
    let slots = world.own()?.slots();
    let runs = |index: &usize| slots[*index].runs_on().is_ok();
    let running: Vec<usize> = (0..slots.len()).filter(runs).collect();
    ensure(
        !running.is_empty(),
        "an instance that serves",
        "none runs any more",
    )?;
    Ok(running)
}

/// Checks that a user is read as last acknowledged, or with the last change, if that was not answered.
fn serves(user: &WrittenUser, read: Result<User, Status>) -> Result<(), String> {
    let is_gone = |status: &Status| status.code() == Code::NotFound;
    let fits = match (&read, &user.acknowledged, &user.unanswered) {
        (Ok(seen), Some(known), _) if seen == known => true,
        (Ok(seen), Some(_), Some(WriterChange::Rename(name))) => seen.name == *name,
        (Err(status), None, _) | (Err(status), _, Some(WriterChange::Delete)) => is_gone(status),
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let seen = read.map_or_else(|status| shown(&status), |seen| format!("{seen:?}"));
    Err(format!("{seen} instead of {user:?}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> User {
        User {
            name: name.to_owned(),
            ..User::default()
        }
    }

    fn gone() -> Result<User, Status> {
        Err(Status::not_found("user not found"))
    }

    /// A user with the name "Ada", or deleted, with this change unanswered.
    fn written(is_alive: bool, unanswered: Option<WriterChange>) -> WrittenUser {
        WrittenUser {
            acknowledged: is_alive.then(|| named("Ada")),
            id: "1".to_owned(),
            unanswered,
        }
    }

    #[test]
    fn an_acknowledged_write_is_read() {
        assert_eq!(serves(&written(true, None), Ok(named("Ada"))), Ok(()));
        assert_eq!(serves(&written(false, None), gone()), Ok(()));
        assert!(serves(&written(true, None), Ok(named("Bob"))).is_err());
        assert!(serves(&written(true, None), gone()).is_err());
        assert!(serves(&written(false, None), Ok(named("Ada"))).is_err());
        let failed = Err(Status::unavailable("away"));
        assert!(serves(&written(false, None), failed).is_err());
    }

    #[test]
    fn an_unanswered_change_was_made_or_not() {
        let rename = || written(true, Some(WriterChange::Rename("Eve".to_owned())));
        assert_eq!(serves(&rename(), Ok(named("Ada"))), Ok(()));
        assert_eq!(serves(&rename(), Ok(named("Eve"))), Ok(()));
        assert!(serves(&rename(), Ok(named("Bob"))).is_err());
        assert!(serves(&rename(), gone()).is_err());
        let delete = || written(true, Some(WriterChange::Delete));
        assert_eq!(serves(&delete(), gone()), Ok(()));
        assert_eq!(serves(&delete(), Ok(named("Ada"))), Ok(()));
    }
}
