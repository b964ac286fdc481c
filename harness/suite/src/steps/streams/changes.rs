//! Many changes, by many clients.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use conformance_engine::failure::{Failure, StepResult};
use cucumber::{given, when};
use futures::future::try_join_all;
use tokio_util::sync::CancellationToken;
use user_proto::v1::{ListUsersRequest, UpdateUserRequest};

use super::subscriptions::open;
use crate::drivers::streams::Pace;
use crate::drivers::users::Users;
use crate::world::World;
use crate::world::streams::WrittenState;

/// How many characters a value of metadata may have (USR-5).
const VALUE: usize = 1024;

/// The values that make an update large: with keys and number just within the 16 KiB of USR-5.
const LARGE: [usize; 16] = [
    VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE, VALUE,
    VALUE, VALUE, 900,
];

#[given(
    regex = r#"^the users named "([A-Z][a-z]+)" were changed (\d+) times by (\d+) clients( on the first instance| on the second instance| on both instances)?(, each time with 16 KiB of metadata)?$"#
)]
#[when(
    regex = r#"^the users named "([A-Z][a-z]+)" are changed (\d+) times by (\d+) clients( on the first instance| on the second instance| on both instances)?(, each time with 16 KiB of metadata)?$"#
)]
async fn are_changed(
    world: &mut World,
    alias: String,
    times: usize,
    clients: usize,
    place: String,
    large: String,
) -> StepResult {
    let ids = ids(world, &alias)?;
    let instances: &[usize] = match place.trim() {
        "on the second instance" => &[1],
        "on both instances" => &[0, 1],
        _ => &[0],
    };
    // The numbers continue from step to step, so that every update changes something.
    let first = world.streams.written.len();
    let mut tasks = Vec::new();
    for number in 0..clients {
        let client = world
            .fresh_client(instances[number % instances.len()])
            .await?
            .quiet();
        let requests = (number..times).step_by(clients).map(|round| {
            let id = ids[(round / 2 + number) % ids.len()].clone();
            change(id, first + round, !large.is_empty())
        });
        tasks.push(tokio::spawn(make(client, requests.collect())));
    }
    for done in try_join_all(tasks).await.map_err(Failure::broken)? {
        world.streams.written.extend(done?);
    }
    let count = world.streams.written.len() - first;
    let note = format!("{count} changes by {clients} clients were acknowledged");
    world.scenario.journal.note(note);
    Ok(())
}

/// So much is changed that a client which takes nothing has no room for it.
#[given("a stream is open whose client has stopped reading")]
async fn a_client_has_stopped_reading(world: &mut World) -> StepResult {
    let alias = "Idle".to_owned();
    super::super::users::fixtures::make_group(world, &alias, 2).await?;
    let request = ListUsersRequest {
        filter: world.named(&alias),
        ..Default::default()
    };
    open(world, alias.clone(), request, 0, Pace::Never).await?;
    are_changed(world, alias, 40, 4, String::new(), ", large".to_owned()).await
}

#[when(
    regex = r#"^the users named "([A-Z][a-z]+)" are changed by (\d+) clients on both instances, while (\d+) streams of users with `(.+)` are opened$"#
)]
async fn are_changed_meanwhile(
    world: &mut World,
    alias: String,
    clients: usize,
    streams: usize,
    filter: String,
) -> StepResult {
    let ids = ids(world, &alias)?;
    let enough = CancellationToken::new();
    let _ends = enough.clone().drop_guard();
    let written = Arc::<Mutex<Vec<WrittenState>>>::default();
    let mut tasks = Vec::new();
    for number in 0..clients {
        let client = world.fresh_client(number % 2).await?.quiet();
        let requests = (number..).step_by(clients);
        let ids = ids.clone();
        let requests =
            requests.map(move |round| change(ids[round % ids.len()].clone(), round, false));
        let writing = write(client, requests, written.clone(), enough.clone());
        tasks.push(tokio::spawn(writing));
    }
    for number in 0..streams {
        let request = ListUsersRequest {
            filter: world.text(&filter)?,
            ..Default::default()
        };
        open(
            world,
            format!("Among{number}"),
            request,
            number % 2,
            Pace::AtOnce,
        )
        .await?;
    }
    enough.cancel();
    for done in try_join_all(tasks).await.map_err(Failure::broken)? {
        done?;
    }
    let written = written.lock().unwrap_or_else(PoisonError::into_inner);
    world.streams.written.clone_from(&written);
    Ok(())
}

/// Writes until it is stopped; acknowledged states are recorded at once.
async fn write(
    client: Users,
    requests: impl Iterator<Item = UpdateUserRequest>,
    written: Arc<Mutex<Vec<WrittenState>>>,
    enough: CancellationToken,
) -> StepResult {
    for request in requests {
        // Once more after that, so that the stream that was opened last has something to deliver.
        let is_last = enough.is_cancelled();
        let done = make_one(&client, request).await?;
        written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(done);
        if is_last {
            break;
        }
    }
    Ok(())
}

fn ids(world: &World, alias: &str) -> StepResult<Vec<String>> {
    let users = world.users_named(alias)?;
    Ok(users.into_iter().map(|it| it.id).collect())
}

fn change(id: String, number: usize, large: bool) -> UpdateUserRequest {
    let mut request = UpdateUserRequest {
        id,
        ..Default::default()
    };
    request
        .metadata
        .insert("change".to_owned(), number.to_string());
    for (number, length) in LARGE.iter().enumerate().take_while(|_| large) {
        request
            .metadata
            .insert(format!("large{number}"), "x".repeat(*length));
    }
    request
}

/// Makes the changes one after the other.
async fn make(client: Users, requests: Vec<UpdateUserRequest>) -> StepResult<Vec<WrittenState>> {
    let mut written = Vec::with_capacity(requests.len());
    for request in requests {
        written.push(make_one(&client, request).await?);
    }
    Ok(written)
}

async fn make_one(client: &Users, request: UpdateUserRequest) -> StepResult<WrittenState> {
    let sent = Instant::now();
    let user = client.update(request).await.ok()?;
    Ok(WrittenState {
        user,
        sent,
        answered: Instant::now(),
    })
}
