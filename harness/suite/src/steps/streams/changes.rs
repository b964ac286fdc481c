//! Many changes, by many clients.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use conformance_engine::failure::{Failure, StepResult};
use cucumber::{given, when};
use futures::future::try_join_all;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use user_proto::v1::{ListUsersRequest, UpdateUserRequest};

use super::subscriptions::{open, users_with};
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
    let changes = Changes {
        ids: ids(world, &alias)?,
        times,
        clients,
        large: !large.is_empty(),
    };
    make_changes(world, changes, instances(place.trim())).await
}

/// The instances that clients use in turn.
fn instances(place: &str) -> &'static [usize] {
    match place {
        "on the second instance" => &[1],
        "on both instances" => &[0, 1],
        _ => &[0],
    }
}

/// Updates that concurrent clients make to a group of users.
struct Changes {
    /// The users that are changed in turn.
    ids: Vec<String>,
    /// The number of updates in all.
    times: usize,
    /// The clients that divide the updates among themselves.
    clients: usize,
    /// Whether each has much metadata.
    large: bool,
}

impl Changes {
    /// The updates of one client. They are numbered from `first` on, so that each changes something.
    fn of_client(&self, client: usize, first: usize) -> Vec<UpdateUserRequest> {
        let rounds = (client..self.times).step_by(self.clients);
        let updates = rounds.map(|round| {
            let id = self.ids[(round / 2 + client) % self.ids.len()].clone();
            change(id, first + round, self.large)
        });
        updates.collect()
    }
}

/// Makes the changes, and records the acknowledged states.
async fn make_changes(world: &mut World, changes: Changes, instances: &[usize]) -> StepResult {
    let first = world.streams.written.len();
    let mut tasks = Vec::new();
    for number in 0..changes.clients {
        let instance = instances[number % instances.len()];
        let client = world.fresh_client(instance).await?.quiet();
        tasks.push(tokio::spawn(make(client, changes.of_client(number, first))));
    }
    for done in try_join_all(tasks).await.map_err(Failure::broken)? {
        world.streams.written.extend(done?);
    }
    let count = world.streams.written.len() - first;
    let note = format!(
        "{count} changes by {} clients were acknowledged",
        changes.clients
    );
    world.scenario.journal.note(note);
    Ok(())
}

/// More is changed than fits into the buffers of a client that reads nothing.
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
    let writers = start_writers(world, &ids, clients).await?;
    for number in 0..streams {
        let (alias, instance) = (format!("Among{number}"), number % 2);
        let request = users_with(world, &filter)?;
        open(world, alias, request, instance, Pace::AtOnce).await?;
    }
    world.streams.written = writers.finish().await?;
    Ok(())
}

/// Clients that change users without pause; dropping it stops them.
struct Writers {
    written: Arc<Mutex<Vec<WrittenState>>>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<StepResult>>,
    _stops: DropGuard,
}

/// Starts clients of both instances that change the users in turn.
async fn start_writers(world: &mut World, ids: &[String], clients: usize) -> StepResult<Writers> {
    let (written, stop) = (Arc::default(), CancellationToken::new());
    let stops = stop.clone().drop_guard();
    let mut tasks = Vec::new();
    for number in 0..clients {
        let client = world.fresh_client(number % 2).await?.quiet();
        let ids = ids.to_vec();
        let updates = (number..)
            .step_by(clients)
            .map(move |round| change(ids[round % ids.len()].clone(), round, false));
        let writing = write(client, updates, Arc::clone(&written), stop.clone());
        tasks.push(tokio::spawn(writing));
    }
    Ok(Writers {
        written,
        stop,
        tasks,
        _stops: stops,
    })
}

impl Writers {
    /// Stops them after one more change each; the acknowledged states.
    async fn finish(self) -> StepResult<Vec<WrittenState>> {
        self.stop.cancel();
        for done in try_join_all(self.tasks).await.map_err(Failure::broken)? {
            done?;
        }
        let written = self.written.lock();
        Ok(written.unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Writes until it is stopped; acknowledged states are recorded at once.
async fn write(
    client: Users,
    requests: impl Iterator<Item = UpdateUserRequest>,
    written: Arc<Mutex<Vec<WrittenState>>>,
    stop: CancellationToken,
) -> StepResult {
    for request in requests {
        // One more change after that, so that the stream that was opened last has something to deliver.
        let is_last = stop.is_cancelled();
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
