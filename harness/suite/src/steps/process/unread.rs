//! Answers that their client does not read (CFG-8).

use conformance_engine::failure::{Failure, StepResult};
use cucumber::given;
use user_proto::v1::CreateUserRequest;

use super::super::users::fixtures::create_all;
use crate::contract::components::UsersApi;
use crate::drivers::unread;
use crate::world::World;

/// How many users the list holds, each with metadata of nearly the largest size (USR-5).
const USERS: usize = 100;

/// How many metadata values of the greatest length each of them has.
const VALUES: usize = 15;

#[given("an answer of a list is not read")]
async fn a_list_is_not_read(world: &mut World) -> StepResult {
    let name = make_large_users(world).await?;
    let users_api = world.component.users_api;
    let slot = world.own()?.slot(0)?;
    let connection = match users_api {
        Some(UsersApi::Grpc) => unread::grpc_list(slot.port("GRPC_PORT")?, &name, USERS).await?,
        Some(UsersApi::Http) => unread::http_list(slot.port("PORT")?, &name, USERS).await?,
        None => return Err(Failure::broken("the component has no list of users")),
    };
    world.process.idle.push(connection);
    Ok(())
}

/// Creates the users; returns the name that all of them have.
async fn make_large_users(world: &mut World) -> StepResult<String> {
    let name = format!("Unread-{}", world.scenario.id);
    let value = |key: usize| (format!("key{key}"), "x".repeat(1024));
    let request = |_| CreateUserRequest {
        name: name.clone(),
        metadata: (0..VALUES).map(value).collect(),
        ..world.newcomer()
    };
    let requests = (0..USERS).map(request).collect();
    create_all(world, requests).await?;
    Ok(name)
}
