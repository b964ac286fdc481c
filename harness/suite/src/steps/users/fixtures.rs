//! Users that a scenario starts from.

use conformance_engine::failure::{Failure, StepResult};
use cucumber::gherkin::Step;
use cucumber::given;
use futures::StreamExt as _;
use user_proto::v1::{CreateUserRequest, ListUsersRequest, UpdateUserRequest, User, UserStatus};

use super::{fill_create_request, update_request};
use crate::drivers::Code;
use crate::field_value::FieldValue;
use crate::world::World;
use crate::world::users::{TrackedUser, UserGroup};

/// How many characters a name may have (USR-4).
const MAX_NAME: usize = 256;

/// Number of users that are created at once.
const AT_ONCE: usize = 8;

#[given("every answer is kept byte by byte")]
async fn answers_are_kept(world: &mut World) -> StepResult {
    world.client(0).await?.transcript().begin();
    Ok(())
}

#[given(regex = r#"^a user "([A-Z][a-z]+)"$"#)]
async fn a_user(world: &mut World, alias: String) -> StepResult {
    make(world, &alias, Vec::new()).await
}

#[given(regex = r#"^a user "([A-Z][a-z]+)" with$"#)]
async fn a_user_with(world: &mut World, alias: String, step: &Step) -> StepResult {
    let fields = world.fields(step)?;
    make(world, &alias, fields).await
}

#[given(regex = r#"^a user "([A-Z][a-z]+)" that both instances have returned$"#)]
async fn a_user_shown(world: &mut World, alias: String) -> StepResult {
    make(world, &alias, Vec::new()).await?;
    let id = world.tracked_user(&alias)?.now().id.clone();
    let filter = world.named(&alias);
    for client in world.all_clients().await? {
        client.get(&id).await.ok()?;
        client
            .list(ListUsersRequest {
                filter: filter.clone(),
                ..Default::default()
            })
            .await
            .ok()?;
    }
    Ok(())
}

async fn make(world: &mut World, alias: &str, fields: Vec<(String, String)>) -> StepResult {
    let id = &world.scenario.id;
    let mut request = CreateUserRequest {
        email: format!("{}-{id}@example.com", alias.to_lowercase()),
        name: format!("{alias}-{id}"),
        ..CreateUserRequest::default()
    };
    let later = fill_create_request(&mut request, fields)?;
    if request.metadata.is_empty() {
        request
            .metadata
            .insert("origin".to_owned(), alias.to_owned());
    }
    let client = world.client(0).await?;
    let password = request.password.clone();
    let mut states = vec![client.create(request).await.ok()?];
    if later.is_some() {
        let request = UpdateUserRequest {
            id: states[0].id.clone(),
            status: later,
            ..Default::default()
        };
        states.push(client.update(request).await.ok()?);
    }
    world.users.answers.push(format!("{states:?}"));
    world
        .users
        .tracked
        .insert(alias.to_owned(), TrackedUser { states, password });
    Ok(())
}

#[given(
    regex = r#"^(\d+) users named "([A-Z][a-z]+)"(?:, (\d+) of them SUSPENDED)?(, changed since in another order than created)?( with the longest name and the most metadata)?$"#
)]
async fn users_named(
    world: &mut World,
    count: usize,
    alias: String,
    suspended: String,
    changed: String,
    longest: String,
) -> StepResult {
    let mut group = world.users.groups.remove(&alias).unwrap_or_default();
    let requests = further_users(world, &mut group, (&alias, count), !longest.is_empty())?;
    group.users.extend(create_all(world, requests).await?);
    suspend(world, &mut group, suspended.parse().unwrap_or(0)).await?;
    if !changed.is_empty() {
        change_all(world, &mut group).await?;
    }
    world.users.groups.insert(alias, group);
    Ok(())
}

/// Requests for further users of a group, which gets a name if it has none.
fn further_users(
    world: &World,
    group: &mut UserGroup,
    (alias, count): (&str, usize),
    longest: bool,
) -> StepResult<Vec<CreateUserRequest>> {
    let id = &world.scenario.id;
    if group.name.is_empty() {
        group.name = if longest {
            // The characters that make it unique come first.
            format!("{id}{}", "\u{1f600}".repeat(MAX_NAME - id.len()))
        } else {
            format!("{alias}-{id}")
        };
    }
    let metadata = if longest {
        FieldValue::from_description("metadata of 16384 bytes in all", "")
            .map_err(Failure::broken)?
    } else {
        FieldValue::Metadata([("origin".to_owned(), alias.to_owned())].into())
    };
    let from = group.users.len();
    let requests = (from..from + count).map(|number| {
        let prefix = shuffled(number);
        let mut request = CreateUserRequest {
            email: format!("{prefix}-{}{number}-{id}@example.com", alias.to_lowercase()),
            name: group.name.clone(),
            ..CreateUserRequest::default()
        };
        metadata.clone().set_in_create(&mut request);
        request
    });
    Ok(requests.collect())
}

/// A prefix of emails whose order is not that of the numbers: 37 and 211 have no factor in common.
fn shuffled(number: usize) -> String {
    format!("{:03}", (number * 37) % 211)
}

/// Creates users, each of which must be acknowledged.
pub async fn create_all(
    world: &mut World,
    requests: Vec<CreateUserRequest>,
) -> StepResult<Vec<User>> {
    let client = world.client(0).await?.quiet();
    let calls = requests.into_iter().map(|request| {
        let client = client.clone();
        async move { client.create(request).await.ok() }
    });
    let made: Vec<StepResult<User>> = futures::stream::iter(calls)
        .buffered(AT_ONCE)
        .collect()
        .await;
    made.into_iter().collect()
}

/// Creates a group of users without any particular fields.
pub async fn make_group(world: &mut World, alias: &str, count: usize) -> StepResult {
    let name = format!("{alias}-{}", world.scenario.id);
    let request = |_| CreateUserRequest {
        name: name.clone(),
        ..world.newcomer()
    };
    let requests = (0..count).map(request).collect();
    let users = create_all(world, requests).await?;
    world
        .users
        .groups
        .insert(alias.to_owned(), UserGroup { name, users });
    Ok(())
}

async fn suspend(world: &mut World, group: &mut UserGroup, count: usize) -> StepResult {
    let client = world.client(0).await?.quiet();
    for user in group.users.iter_mut().take(count) {
        let status = Some(UserStatus::Suspended as i32);
        let request = UpdateUserRequest {
            id: user.id.clone(),
            status,
            ..Default::default()
        };
        *user = client.update(request).await.ok()?;
    }
    Ok(())
}

/// Changes each once more, in an order that is neither that of creation nor that of emails.
async fn change_all(world: &mut World, group: &mut UserGroup) -> StepResult {
    let client = world.client(0).await?.quiet();
    let mut order: Vec<usize> = (0..group.users.len()).collect();
    order.sort_by_key(|it| (it * 53) % 97);
    for index in order {
        let user = &mut group.users[index];
        let metadata = std::iter::once(("changed".to_owned(), "yes".to_owned())).collect();
        let request = UpdateUserRequest {
            id: user.id.clone(),
            metadata,
            ..Default::default()
        };
        *user = client.update(request).await.ok()?;
    }
    Ok(())
}

#[given(regex = r#"^a user named "([A-Z][a-z]+)" for each of these emails$"#)]
async fn a_user_for_each_email(world: &mut World, alias: String, step: &Step) -> StepResult {
    let emails = world.texts(step)?;
    let name = world.name_of(&alias);
    let requests = emails.into_iter().map(|email| CreateUserRequest {
        email,
        name: name.clone(),
        ..Default::default()
    });
    let users = create_all(world, requests.collect()).await?;
    let group = world.users.groups.entry(alias).or_default();
    group.name = name;
    group.users.extend(users);
    Ok(())
}

#[given("a user for each of these names")]
async fn a_user_for_each_name(world: &mut World, step: &Step) -> StepResult {
    let names = world.texts(step)?;
    let id = world.scenario.id.clone();
    let requests = names
        .into_iter()
        .enumerate()
        .map(|(number, name)| CreateUserRequest {
            email: format!("{}-{id}@example.com", shuffled(number)),
            name,
            ..Default::default()
        });
    create_all(world, requests.collect()).await.map(|_| ())
}

#[given(regex = r#"^"([A-Z][a-z]+)" was deleted$"#)]
async fn was_deleted(world: &mut World, alias: String) -> StepResult {
    let id = world.tracked_user(&alias)?.now().id.clone();
    world.client(0).await?.delete(&id).await.ok()
}

#[given(regex = r#"^"([A-Z][a-z]+)" was renamed$"#)]
async fn was_renamed(world: &mut World, alias: String) -> StepResult {
    let name = format!("Renamed-{}", world.scenario.id);
    updated(
        world,
        &alias,
        UpdateUserRequest {
            name: Some(name),
            ..Default::default()
        },
    )
    .await
}

#[given(regex = r#"^"([A-Z][a-z]+)" was updated with$"#)]
async fn was_updated(world: &mut World, alias: String, step: &Step) -> StepResult {
    let request = update_request(world.fields(step)?)?;
    updated(world, &alias, request).await
}

async fn updated(world: &mut World, alias: &str, mut request: UpdateUserRequest) -> StepResult {
    request.id = world.tracked_user(alias)?.now().id.clone();
    let user = world.client(0).await?.update(request).await.ok()?;
    if let Some(person) = world.users.tracked.get_mut(alias) {
        person.states.push(user);
    }
    Ok(())
}

#[given(regex = r"^a create of a user with the email `(.*)` was refused for$")]
async fn a_create_was_refused(world: &mut World, email: String, step: &Step) -> StepResult {
    let mut request = world.newcomer();
    request.email = world.text(&email)?;
    fill_create_request(&mut request, world.fields(step)?)?;
    let call = world.client(0).await?.create(request).await;
    match call.code() {
        Code::InvalidArgument => Ok(()),
        other => Err(Failure::mismatch(
            "INVALID_ARGUMENT",
            crate::params::code_name(other),
        )),
    }
}

#[given(regex = r#"^the users named "([A-Z][a-z]+)" were listed on both instances$"#)]
async fn were_listed(world: &mut World, alias: String) -> StepResult {
    let filter = world.named(&alias);
    for client in world.all_clients().await? {
        client
            .list(ListUsersRequest {
                filter: filter.clone(),
                ..Default::default()
            })
            .await
            .ok()?;
    }
    Ok(())
}
