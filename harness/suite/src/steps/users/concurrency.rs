//! Many concurrent calls, and calls of every kind.

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::{elapse, eventually};
use cucumber::gherkin::Step;
use cucumber::{given, then, when};
use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use user_proto::v1::{CreateUserRequest, ListUsersRequest, UpdateUserRequest};

use crate::contract::components::user_service::DATABASE;
use crate::drivers::Status;
use crate::drivers::database;
use crate::drivers::users::{Call, Users};
use crate::params::Span;
use crate::placeholders::mixed;
use crate::world::World;
use crate::world::users::{UserCall, UserResponse};

/// The unary calls, in the order in which they are made.
const METHODS: [&str; 5] = [
    "CreateUser",
    "GetUser",
    "ListUsers",
    "UpdateUser",
    "DeleteUser",
];

/// How often the connections of the database are counted.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

type Pending = BoxFuture<'static, Call<UserResponse>>;

/// Makes calls concurrently and records them in order; meanwhile the connections of the database are counted.
async fn at_once(world: &mut World, calls: Vec<Pending>) -> StepResult {
    let running: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    let all = join_all(running);
    let database = world.own().and_then(|it| it.database().cloned());
    let results = match database {
        Err(_) => all.await,
        Ok(database) => {
            let client = world.own()?.database_client().await?;
            tokio::pin!(all);
            let mut polls = tokio::time::interval(POLL_INTERVAL);
            loop {
                let seen = database::connections(&client, &database).await?;
                world.users.most_connections = world.users.most_connections.max(seen);
                tokio::select! {
                    results = &mut all => break results,
                    _ = polls.tick() => {}
                }
            }
        }
    };
    for result in results {
        world.done(UserCall::new(result.map_err(Failure::broken)?));
    }
    Ok(())
}

/// One valid call; `number` makes it unique, `about` is the id of its user or, for a list, a name.
fn call(
    client: &Users,
    method: &str,
    scenario: &str,
    number: usize,
    about: String,
) -> StepResult<Pending> {
    let id = about.clone();
    let client = client.clone();
    let name = format!("Many-{number}-{scenario}");
    Ok(match method {
        "CreateUser" => async move {
            let email = format!(
                "many{}-{}@example.com",
                number,
                uuid::Uuid::new_v4().simple()
            );
            let request = CreateUserRequest {
                email,
                name,
                ..Default::default()
            };
            client.create(request).await.map(UserResponse::User)
        }
        .boxed(),
        "GetUser" => async move { client.get(&id).await.map(UserResponse::User) }.boxed(),
        "ListUsers" => async move {
            let request = ListUsersRequest {
                filter: format!("name=\"{about}\""),
                ..Default::default()
            };
            client.list(request).await.map(UserResponse::Page)
        }
        .boxed(),
        "UpdateUser" => async move {
            let request = UpdateUserRequest {
                id,
                name: Some(name),
                ..Default::default()
            };
            client.update(request).await.map(UserResponse::User)
        }
        .boxed(),
        "DeleteUser" => {
            async move { client.delete(&id).await.map(|()| UserResponse::Empty) }.boxed()
        }
        other => return Err(Failure::broken(format!("{other:?} is not a unary call"))),
    })
}

/// This many calls, the methods in turn; each one that needs a user gets its own.
async fn deal(world: &mut World, methods: &[&str], count: usize) -> StepResult<Vec<Pending>> {
    let client = world.client(0).await?;
    let mut ids = world
        .users
        .groups
        .values()
        .flat_map(|it| it.users.iter().map(|it| it.id.clone()));
    let name = world
        .users
        .groups
        .values()
        .next()
        .map(|it| it.name.clone())
        .unwrap_or_default();
    let scenario = world.scenario.id.clone();
    let mut calls = Vec::new();
    for number in 0..count {
        let method = methods[number % methods.len()];
        let id = match method {
            "CreateUser" => String::new(),
            // A name that matches users: an empty page would show little.
            "ListUsers" => name.clone(),
            _ => ids.next().ok_or_else(|| {
                Failure::broken("too few users for so many calls; give the scenario more")
            })?,
        };
        calls.push(call(&client, method, &scenario, number, id)?);
    }
    Ok(calls)
}

#[given(regex = r"^(\d+) unary calls were made at once$")]
#[when(regex = r"^(\d+) unary calls are made at once$")]
async fn unary_calls(world: &mut World, count: usize) -> StepResult {
    world.begin();
    let calls = deal(world, &METHODS, count).await?;
    at_once(world, calls).await
}

#[given("every unary call was made")]
#[when("every unary call is made at once")]
async fn every_unary_call(world: &mut World) -> StepResult {
    world.begin();
    if world.users.groups.is_empty() {
        super::fixtures::make_group(world, "Grace", 3).await?;
    }
    let calls = deal(world, &METHODS, METHODS.len()).await?;
    at_once(world, calls).await
}

#[when("every unary call is made at once, and the database is cut while they wait")]
async fn every_call_and_a_cut(world: &mut World) -> StepResult {
    world.begin();
    let calls = deal(world, &METHODS, METHODS.len()).await?;
    let running: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    // Time to reach the database; a call that has failed by then is in time as well.
    elapse(Duration::from_millis(300)).await;
    for slot in world.own()?.slots() {
        slot.link(DATABASE)?.cut().await;
    }
    world.scenario.journal.note("Database is cut");
    for result in join_all(running).await {
        world.done(UserCall::new(result.map_err(Failure::broken)?));
    }
    Ok(())
}

#[given(regex = r"^((?:\w+User\w*, )*\w+User\w* and \w+User\w*) were called with valid arguments$")]
#[when(regex = r"^((?:\w+User\w*, )*\w+User\w* and \w+User\w*) are called with valid arguments$")]
async fn methods_are_called(world: &mut World, methods: String) -> StepResult {
    world.begin();
    let methods = methods.replace(" and ", ", ");
    let methods: Vec<&str> = methods.split(", ").collect();
    let calls = deal(world, &methods, methods.len()).await?;
    at_once(world, calls).await
}

#[when(regex = r"^(\w+User\w*) is called with valid arguments$")]
async fn method_is_called(world: &mut World, method: String) -> StepResult {
    world.begin();
    let calls = deal(world, &[method.as_str()], 1).await?;
    at_once(world, calls).await
}

#[when(regex = r"^(\w+) is called (\d+) times at once$")]
async fn is_called_at_once(world: &mut World, method: String, times: usize) -> StepResult {
    world.begin();
    let client = world.client(0).await?;
    let users = world.users.groups.values().flat_map(|group| &group.users);
    let ids: Vec<String> = users.map(|user| user.id.clone()).collect();
    let scenario = world.scenario.id.clone();
    let calls = (0..times).map(|number| {
        let id = ids[number % ids.len()].clone();
        call(&client, &method, &scenario, number, id)
    });
    at_once(world, calls.collect::<StepResult<_>>()?).await
}

/// The life of one new user: every unary call once.
async fn chain(client: Users, scenario: String, number: usize) -> Result<(), String> {
    let failed = |method: &str, status: &Status| {
        format!("{method} {}", crate::drivers::users::shown(status))
    };
    let email = format!(
        "chain{number}-{}@example.com",
        uuid::Uuid::new_v4().simple()
    );
    let request = CreateUserRequest {
        email,
        name: format!("Chain-{number}-{scenario}"),
        ..Default::default()
    };
    let user = client
        .create(request)
        .await
        .result
        .map_err(|it| failed("CreateUser", &it))?;
    client
        .get(&user.id)
        .await
        .result
        .map_err(|it| failed("GetUser", &it))?;
    let status = Some(2);
    let update = UpdateUserRequest {
        id: user.id.clone(),
        status,
        ..Default::default()
    };
    client
        .update(update)
        .await
        .result
        .map_err(|it| failed("UpdateUser", &it))?;
    let list = ListUsersRequest {
        filter: format!("email={}", user.email),
        ..Default::default()
    };
    client
        .list(list)
        .await
        .result
        .map_err(|it| failed("ListUsers", &it))?;
    client
        .delete(&user.id)
        .await
        .result
        .map_err(|it| failed("DeleteUser", &it))
}

/// Ten concurrent chains, so that more than one connection is used.
async fn chains(client: &Users, scenario: &str) -> Result<(), String> {
    let all = (0..10).map(|number| chain(client.clone(), scenario.to_owned(), number));
    futures::future::try_join_all(all).await.map(|_| ())
}

#[given("every unary call has succeeded again")]
async fn has_succeeded_again(world: &mut World) -> StepResult {
    // HLT-7, with the suite's test settings.
    succeeds_again(world, Span(Duration::from_millis(6500))).await
}

#[then(regex = r"^every unary call succeeds again within (\d+ ms)$")]
async fn succeeds_again(world: &mut World, limit: Span) -> StepResult {
    let client = world.client(0).await?;
    let scenario = world.scenario.id.clone();
    let limit = world.scenario.patience.stretch(limit.0);
    eventually("every unary call succeeds again", limit, async || {
        chains(&client, &scenario).await
    })
    .await
}

#[then("every unary call succeeds")]
async fn succeeds(world: &mut World) -> StepResult {
    let client = world.client(0).await?;
    let scenario = world.scenario.id.clone();
    chains(&client, &scenario)
        .await
        .map_err(|got| Failure::mismatch("every unary call succeeds", got))
}

#[when(regex = r#"^(\d+) users named "([A-Z][a-z]+)" are created at once$"#)]
async fn are_created_at_once(world: &mut World, count: usize, alias: String) -> StepResult {
    world.begin();
    let client = world.client(0).await?;
    let name = world.name_of(&alias);
    let calls = (0..count).map(|_| {
        let (client, mut request) = (client.clone(), world.newcomer());
        request.name.clone_from(&name);
        async move { client.create(request).await.map(UserResponse::User) }.boxed()
    });
    let calls = calls.collect();
    at_once(world, calls).await
}

#[when(regex = r"^(\d+) new users are given the same email at once, each in another letter case$")]
async fn new_users_are_given_one_email(world: &mut World, count: usize) -> StepResult {
    world.begin();
    let clients = world.all_clients().await?;
    let email = format!("contested-{}@example.com", world.scenario.id);
    let calls = (0..count).map(|number| {
        let client = clients[number % clients.len()].clone();
        let mut request = world.newcomer();
        request.email = in_case(&email, number);
        async move { client.create(request).await.map(UserResponse::User) }.boxed()
    });
    let calls = calls.collect();
    world.users.contested = email;
    at_once(world, calls).await
}

#[when(
    regex = r#"^the users named "([A-Z][a-z]+)" are given the same email at once, each in another letter case$"#
)]
async fn users_are_given_one_email(world: &mut World, alias: String) -> StepResult {
    world.begin();
    let clients = world.all_clients().await?;
    let email = format!("contested-{}@example.com", world.scenario.id);
    let users = world.group(&alias)?.users.iter().enumerate();
    let calls = users.map(|(number, user)| {
        let client = clients[number % clients.len()].clone();
        change_email(client, user.id.clone(), in_case(&email, number))
    });
    let calls = calls.collect();
    world.users.contested = email;
    at_once(world, calls).await
}

fn change_email(client: Users, id: String, email: String) -> Pending {
    let request = UpdateUserRequest {
        id,
        email: Some(email),
        ..UpdateUserRequest::default()
    };
    async move { client.update(request).await.map(UserResponse::User) }.boxed()
}

/// The text in a letter case of its own for each number below 256: bit i of the number makes letter i upper case.
fn in_case(text: &str, number: usize) -> String {
    let mut letters = 0;
    let raise = |character: char| {
        let is_raised =
            character.is_ascii_alphabetic() && letters < 8 && number >> letters & 1 == 1;
        letters += usize::from(character.is_ascii_alphabetic());
        if is_raised {
            character.to_ascii_uppercase()
        } else {
            character
        }
    };
    text.chars().map(raise).collect()
}

#[when(regex = r#"^"([A-Z][a-z]+)" is deleted (\d+) times at once$"#)]
async fn is_deleted_at_once(world: &mut World, alias: String, times: usize) -> StepResult {
    world.begin();
    let clients = world.all_clients().await?;
    let id = world.tracked_user(&alias)?.now().id.clone();
    let calls = (0..times).map(|number| {
        let (client, id) = (clients[number % clients.len()].clone(), id.clone());
        async move { client.delete(&id).await.map(|()| UserResponse::Empty) }.boxed()
    });
    at_once(world, calls.collect()).await
}

#[when(regex = r#"^"([A-Z][a-z]+)" is renamed (\d+) times at once, on both instances$"#)]
async fn is_renamed_at_once(world: &mut World, alias: String, times: usize) -> StepResult {
    world.begin();
    let clients = world.all_clients().await?;
    let id = world.tracked_user(&alias)?.now().id.clone();
    let calls = (0..times).map(|number| {
        let client = clients[number % clients.len()].clone();
        let name = Some(format!("Renamed-{number}-{}", world.scenario.id));
        let request = UpdateUserRequest {
            id: id.clone(),
            name,
            ..Default::default()
        };
        async move { client.update(request).await.map(UserResponse::User) }.boxed()
    });
    let calls = calls.collect();
    at_once(world, calls).await
}

/// Calls the method with this id, and records the call.
async fn with_id(world: &mut World, method: &str, id: &str) -> StepResult {
    let client = world.client(0).await?;
    let scenario = world.scenario.id.clone();
    let done = call(&client, method, &scenario, 0, id.to_owned())?.await;
    world.done(UserCall::new(done));
    Ok(())
}

#[when(regex = r"^(\w+) is called with an empty id$")]
async fn is_called_with_no_id(world: &mut World, method: String) -> StepResult {
    world.begin();
    with_id(world, &method, "").await
}

#[when(regex = r"^(\w+) is called with each of these ids$")]
async fn is_called_with_ids(world: &mut World, method: String, step: &Step) -> StepResult {
    world.begin();
    for id in world.texts(step)? {
        with_id(world, &method, &id).await?;
    }
    Ok(())
}

#[when(regex = r#"^(\w+) is called with the id of "([A-Z][a-z]+)"$"#)]
async fn is_called_with_the_id_of(world: &mut World, method: String, alias: String) -> StepResult {
    world.begin();
    let id = world.tracked_user(&alias)?.now().id.clone();
    with_id(world, &method, &id).await
}

#[when(regex = r#"^(\w+) is called with the id of "([A-Z][a-z]+)" in every other spelling$"#)]
async fn is_called_with_other_spellings(
    world: &mut World,
    method: String,
    alias: String,
) -> StepResult {
    world.begin();
    let id = world.tracked_user(&alias)?.now().id.clone();
    for spelling in other_spellings(&id) {
        with_id(world, &method, &spelling).await?;
    }
    Ok(())
}

/// What parsers of UUIDs, numbers and other usual ids take for the same id, without the id itself.
fn other_spellings(id: &str) -> Vec<String> {
    let plain: String = id.chars().filter(|it| *it != '-').collect();
    let mut spellings = vec![
        id.to_uppercase(),
        id.to_lowercase(),
        mixed(id),
        plain.clone(),
        format!("{{{id}}}"),
        format!("({id})"),
        format!("\"{id}\""),
        format!("urn:uuid:{id}"),
        format!(" {id}"),
        format!("{id} "),
        format!("{id}\n"),
        format!("{id}\0"),
        format!("0{id}"),
        format!("+{id}"),
        format!("{id}.0"),
        format!("{id}="),
        format!("0x{id}"),
    ];
    if plain.len() == 32 && plain.is_ascii() {
        let parts = [
            &plain[..8],
            &plain[8..12],
            &plain[12..16],
            &plain[16..20],
            &plain[20..],
        ];
        spellings.push(parts.join("-"));
    }
    spellings.retain(|it| it != id);
    spellings
}
