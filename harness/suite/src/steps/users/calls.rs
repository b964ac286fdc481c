//! Calls about one user.

use conformance_engine::failure::{Failure, StepResult};
use cucumber::gherkin::Step;
use cucumber::when;
use user_proto::v1::{ListUsersRequest, UpdateUserRequest, User};

use super::{fill_create_request, table};
use crate::drivers::Code;
use crate::drivers::users::Users;
use crate::field_value::FieldValue;
use crate::params::Nth;
use crate::world::World;
use crate::world::users::{ObservedRead, TrackedUser, UserCall, UserResponse};

#[when("a user is created with")]
async fn is_created_with(world: &mut World, step: &Step) -> StepResult {
    world.begin();
    let mut request = world.newcomer();
    fill_create_request(&mut request, world.fields(step)?)?;
    let client = world.client(0).await?;
    world.create_and_read_back(&client, request).await
}

#[when(regex = r#"^a user "([A-Z][a-z]+)" is created on the (first|second) instance$"#)]
async fn is_created_on(world: &mut World, alias: String, instance: Nth) -> StepResult {
    world.begin();
    let mut request = world.newcomer();
    request.name = world.name_of(&alias);
    let client = world.client(instance.0).await?;
    world.create_and_read_back(&client, request).await?;
    if let Some(user) = world.users.calls[0].user().cloned() {
        let person = TrackedUser {
            states: vec![user],
            password: String::new(),
        };
        world.users.tracked.insert(alias, person);
    }
    Ok(())
}

/// The recipient of a value.
fn target(words: &str) -> Option<&str> {
    words.strip_prefix('"').and_then(|it| it.strip_suffix('"'))
}

#[when(
    regex = r#"^the (email|name|password|status|metadata key|metadata value) `(.*)` is given to (a new user|"[A-Z][a-z]+")$"#
)]
async fn is_given(world: &mut World, field: String, value: String, to: String) -> StepResult {
    world.begin();
    let value = world.text(&value)?;
    let value = FieldValue::by_name(&field, value).map_err(Failure::broken)?;
    send_each(world, vec![value], target(&to)).await
}

#[when(regex = r#"^each of these is given to (a new user|"[A-Z][a-z]+")$"#)]
async fn each_is_given(world: &mut World, to: String, step: &Step) -> StepResult {
    world.begin();
    let mut values = Vec::new();
    for (index, row) in table(step, &["what"])?.iter().enumerate() {
        values.push(field_value(world, &row[0], index)?);
    }
    send_each(world, values, target(&to)).await
}

/// A value by its text in backquotes or by its description.
fn field_value(world: &World, what: &str, index: usize) -> StepResult<FieldValue> {
    let quoted = what.strip_suffix('`').and_then(|it| it.split_once(" `"));
    if let Some((field, value)) = quoted {
        let field = field.trim_start_matches("the ");
        FieldValue::by_name(field, world.text(value)?).map_err(Failure::broken)
    } else {
        let unique = format!("{index}x{}", world.scenario.id);
        FieldValue::from_description(what, &unique).map_err(Failure::broken)
    }
}

#[when(
    regex = r#"^each of these (email|name|password|metadata key|metadata value)s is given to (a new user|"[A-Z][a-z]+")$"#
)]
async fn each_text_is_given(
    world: &mut World,
    field: String,
    to: String,
    step: &Step,
) -> StepResult {
    world.begin();
    let named = |text| FieldValue::by_name(&field, text).map_err(Failure::broken);
    let values: StepResult<Vec<FieldValue>> = world.texts(step)?.into_iter().map(named).collect();
    send_each(world, values?, target(&to)).await
}

/// One call for each value, one after the other.
async fn send_each(world: &mut World, values: Vec<FieldValue>, to: Option<&str>) -> StepResult {
    let client = world.client(0).await?;
    for value in values {
        match to {
            None => {
                let mut request = world.newcomer();
                value.set_in_create(&mut request);
                world.create_and_read_back(&client, request).await?;
            }
            Some(alias) => {
                let mut request = UpdateUserRequest::default();
                value.set_in_update(&mut request);
                world.update_and_read_back(&client, alias, request).await?;
            }
        }
    }
    Ok(())
}

#[when(regex = r#"^"([A-Z][a-z]+)" is updated with$"#)]
async fn is_updated(world: &mut World, alias: String, step: &Step) -> StepResult {
    world.begin();
    let request = super::update_request(world.fields(step)?)?;
    let client = world.client(0).await?;
    world.update_and_read_back(&client, &alias, request).await
}

#[when(regex = r#"^"([A-Z][a-z]+)" is updated with no field$"#)]
async fn is_updated_with_nothing(world: &mut World, alias: String) -> StepResult {
    world.begin();
    let client = world.client(0).await?;
    world
        .update_and_read_back(&client, &alias, UpdateUserRequest::default())
        .await
}

#[when("an unknown id is updated with no field")]
async fn an_unknown_id_is_updated(world: &mut World) -> StepResult {
    world.begin();
    let request = UpdateUserRequest {
        id: format!("unknown-{}", world.scenario.id),
        ..Default::default()
    };
    let call = world.client(0).await?.update(request).await;
    world.done(UserCall::new(call.map(UserResponse::User)));
    Ok(())
}

#[when(regex = r#"^"([A-Z][a-z]+)" is read$"#)]
async fn is_read(world: &mut World, alias: String) -> StepResult {
    world.begin();
    let id = world.tracked_user(&alias)?.now().id.clone();
    let call = world.client(0).await?.get(&id).await;
    world.done(UserCall::new(call.map(UserResponse::User)));
    Ok(())
}

#[when(regex = r#"^"([A-Z][a-z]+)" is deleted(?: on the (first|second) instance)?$"#)]
async fn is_deleted(world: &mut World, alias: String, instance: String) -> StepResult {
    world.begin();
    let id = world.tracked_user(&alias)?.now().id.clone();
    let call = world
        .client(usize::from(instance == "second"))
        .await?
        .delete(&id)
        .await;
    world.done(UserCall::new(call.map(|()| UserResponse::Empty)));
    Ok(())
}

#[when(regex = r#"^"([A-Z][a-z]+)" is renamed on the (first|second) instance$"#)]
async fn is_renamed(world: &mut World, alias: String, instance: Nth) -> StepResult {
    world.begin();
    let client = world.client(instance.0).await?;
    let rename = rename(String::new(), format!("Renamed-{}", world.scenario.id));
    world.update_and_read_back(&client, &alias, rename).await
}

#[when(
    regex = r#"^"([A-Z][a-z]+)" is renamed on the first instance, which is killed as soon as it has answered$"#
)]
async fn is_renamed_before_a_kill(world: &mut World, alias: String) -> StepResult {
    world.begin();
    let id = world.tracked_user(&alias)?.now().id.clone();
    let request = rename(id, format!("Renamed-{}", world.scenario.id));
    let call = world.client(0).await?.update(request).await;
    world.own()?.slot(0)?.instance()?.kill().await;
    world.scenario.journal.note("the first instance is killed");
    if let (Ok(user), Some(person)) = (&call.result, world.users.tracked.get_mut(&alias)) {
        person.states.push(user.clone());
    }
    world.done(UserCall::new(call.map(UserResponse::User)));
    Ok(())
}

#[when(regex = r#"^"([A-Z][a-z]+)" is read, listed and updated$"#)]
async fn is_read_listed_and_updated(world: &mut World, alias: String) -> StepResult {
    world.begin();
    let client = world.client(0).await?;
    let id = world.tracked_user(&alias)?.now().id.clone();
    let list = filtered(world.named(&alias));
    let read = client.get(&id).await.map(UserResponse::User);
    world.done(UserCall::new(read));
    let listed = client.list(list).await.map(UserResponse::Page);
    world.done(UserCall::new(listed));
    let rename = rename(String::new(), format!("Renamed-{}", world.scenario.id));
    world.update_and_read_back(&client, &alias, rename).await
}

/// A request for the users that match a filter.
pub fn filtered(filter: String) -> ListUsersRequest {
    ListUsersRequest {
        filter,
        ..ListUsersRequest::default()
    }
}

/// An update of the name.
fn rename(id: String, name: String) -> UpdateUserRequest {
    UpdateUserRequest {
        id,
        name: Some(name),
        ..UpdateUserRequest::default()
    }
}

#[when(
    regex = r#"^"([A-Z][a-z]+)" is renamed (\d+) times in a row(, on both instances in turn)?$"#
)]
async fn is_renamed_in_a_row(
    world: &mut World,
    alias: String,
    times: usize,
    both: String,
) -> StepResult {
    world.begin();
    let mut clients = world.all_clients().await?;
    if both.is_empty() {
        clients.truncate(1);
    }
    for number in 0..times {
        let client = &clients[number % clients.len()];
        rename_once(world, client, &alias, number).await?;
    }
    Ok(())
}

/// Gives a user a name that it has not had before.
async fn rename_once(world: &mut World, client: &Users, alias: &str, number: usize) -> StepResult {
    let name = format!("Renamed-{number}-{}", world.scenario.id);
    let rename = rename(String::new(), name);
    world.update_and_read_back(client, alias, rename).await
}

#[when(
    regex = r#"^"([A-Z][a-z]+)" is renamed (\d+) times( on the first instance)?, and read and listed(?: on the second)? after each$"#
)]
async fn is_renamed_and_read(
    world: &mut World,
    alias: String,
    times: usize,
    other: String,
) -> StepResult {
    world.begin();
    let clients = world.all_clients().await?;
    let reader = &clients[usize::from(!other.is_empty())];
    for number in 0..times {
        rename_once(world, &clients[0], &alias, number).await?;
        let Some(user) = world.users.calls.last().and_then(UserCall::user).cloned() else {
            return Ok(());
        };
        let filter = format!("email={}", user.email);
        read_twice(world, reader, &user.id, &filter, Some(&user)).await;
    }
    Ok(())
}

#[when("a user is created, read, listed, updated, read, deleted and listed again")]
async fn a_whole_life(world: &mut World) -> StepResult {
    world.begin();
    let client = world.client(0).await?;
    let request = world.newcomer();
    let filter = format!("email={}", request.email);
    world.create_and_read_back(&client, request).await?;
    // A failed create is a mismatch of the check of the calls.
    if let Some(user) = world.users.calls[0].user().cloned() {
        use_and_delete(world, &client, &user, &filter).await;
    }
    Ok(())
}

/// Reads, updates, reads and deletes a user, and lists it once more; records every call.
async fn use_and_delete(world: &mut World, client: &Users, user: &User, filter: &str) {
    read_twice(world, client, &user.id, filter, Some(user)).await;
    let name = format!("Renamed-{}", world.scenario.id);
    let call = client.update(rename(user.id.clone(), name)).await;
    let updated = call.result.clone().ok();
    world.done(UserCall::new(call.map(UserResponse::User)));
    read_twice(world, client, &user.id, filter, updated.as_ref()).await;
    let call = client.delete(&user.id).await;
    world.done(UserCall::new(call.map(|()| UserResponse::Empty)));
    list_once(world, client, filter, None).await;
}

/// Creates, reads, lists, updates and deletes a user, each on the other instance than the call before.
pub async fn live_in_turn(world: &mut World, number: usize) -> StepResult {
    let clients = world.all_clients().await?;
    let client = |step: usize| clients[(number + step) % clients.len()].clone();
    let request = world.newcomer();
    let filter = format!("email={}", request.email);
    world.create_and_read_back(&client(0), request).await?;
    let Some(user) = world.users.calls.last().and_then(UserCall::user).cloned() else {
        return Err(Failure::mismatch(
            "CreateUser succeeds",
            format!("{:?}", world.users.calls.last()),
        ));
    };
    read_twice(world, &client(1), &user.id, &filter, Some(&user)).await;
    let name = format!("Renamed-{number}-{}", world.scenario.id);
    let updated = client(0).update(rename(user.id.clone(), name)).await.ok()?;
    read_twice(world, &client(1), &user.id, &filter, Some(&updated)).await;
    client(0).delete(&user.id).await.ok()?;
    list_once(world, &client(1), &filter, None).await;
    match client(1).get(&user.id).await.code() {
        Code::NotFound => Ok(()),
        other => Err(Failure::mismatch(
            "NOT_FOUND after the delete",
            crate::params::code_name(other),
        )),
    }
}

/// Reads and lists a user after an acknowledged change.
async fn read_twice(
    world: &mut World,
    client: &Users,
    id: &str,
    filter: &str,
    expected: Option<&User>,
) {
    let call = client.get(id).await;
    world.users.reads.push(ObservedRead {
        what: "GetUser".to_owned(),
        expected: expected.cloned(),
        returned: call.result.clone().map(Some),
    });
    world.done(UserCall::new(call.map(UserResponse::User)));
    list_once(world, client, filter, expected).await;
}

async fn list_once(world: &mut World, client: &Users, filter: &str, expected: Option<&User>) {
    let call = client.list(filtered(filter.to_owned())).await;
    world.users.reads.push(ObservedRead {
        what: format!("ListUsers {filter}"),
        expected: expected.cloned(),
        returned: call.result.clone().map(|it| it.users.into_iter().next()),
    });
    world.done(UserCall::new(call.map(UserResponse::Page)));
}
