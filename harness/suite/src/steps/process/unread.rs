//! Answers that their client does not read (CFG-8).

use conformance_engine::failure::{Failure, StepResult};
use cucumber::given;
use user_proto::v1::{CreateUserRequest, ListUsersRequest};

use super::super::users::fixtures::create_all;
use crate::contract::components::UsersApi;
use crate::drivers::unread;
use crate::world::World;

/// How many users the list holds, each with metadata of nearly the largest size (USR-5).
const USERS: usize = 100;

/// Lengths of their metadata values, in characters.
const VALUES: [usize; 15] = [1024; 15];

#[given("an answer of a list is not read")]
async fn a_list_is_not_read(world: &mut World) -> StepResult {
    let name = format!("Unread-{}", world.scenario.id);
    let metadata = VALUES.iter().enumerate();
    let metadata: Vec<_> = metadata
        .map(|(key, length)| (format!("key{key}"), "x".repeat(*length)))
        .collect();
    let request = |_| CreateUserRequest {
        name: name.clone(),
        metadata: metadata.iter().cloned().collect(),
        ..world.newcomer()
    };
    let requests = (0..USERS).map(request).collect();
    create_all(world, requests).await?;
    let page_size = i32::try_from(USERS).map_err(Failure::broken)?;
    let users_api = world.component.users_api;
    let slot = world.own()?.slot(0)?;
    let connection = match users_api {
        Some(UsersApi::Grpc) => {
            let request = ListUsersRequest {
                filter: format!("name={name}"),
                page_size,
                ..Default::default()
            };
            let path = "/user.v1.UserService/ListUsers";
            unread::grpc(slot.port("GRPC_PORT")?, path, &request).await?
        }
        Some(UsersApi::Http) => {
            let path = format!("/api/v1/users?page_size={page_size}&filter=name%3D{name}");
            unread::http(slot.port("PORT")?, &path).await?
        }
        None => return Err(Failure::broken("the component has no list of users")),
    };
    world.process.idle.push(connection);
    Ok(())
}
