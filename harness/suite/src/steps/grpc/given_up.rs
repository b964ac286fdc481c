//! Calls that their client gives up: by cancelling, or at their deadline.

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult, ensure};
use cucumber::{given, when};
use prost::Message as _;
use user_proto::v1::GetUserRequest;

use crate::drivers::database;
use crate::placeholders::PlaceholderValues as _;
use crate::world::World;

/// How long a client waits for a call before it gives it up.
const CLIENT_TIMEOUT: Duration = Duration::from_millis(300);

impl World {
    /// Makes calls concurrently, and gives up those that have no answer in time.
    async fn give_up(&mut self, calls: Vec<(&str, Vec<u8>)>, how: &str) -> StepResult {
        if how == "cancelled by its client" {
            return self.cancel(calls).await;
        }
        let timeout = format!("{}m", CLIENT_TIMEOUT.as_millis());
        self.exchange(calls, Some(&timeout)).await
    }

    /// Makes calls concurrently, and cancels those that have no answer yet: a call that is dropped before its end is
    /// reset by the client. It is a mismatch if all have one.
    async fn cancel(&mut self, calls: Vec<(&str, Vec<u8>)>) -> StepResult {
        let exchange = self.exchange(calls, None);
        let ended = tokio::time::timeout(CLIENT_TIMEOUT, exchange).await;
        ensure(
            ended.is_err(),
            "calls that wait for the database",
            "an end of all of them",
        )
    }
}

#[given(
    regex = r"^every unary call was made (\d+) times and (cancelled by its client|not answered before its deadline)$"
)]
async fn were_given_up(world: &mut World, times: usize, how: String) -> StepResult {
    world.unknown_method().await?;
    let requests = world.unary_requests()?;
    for _ in 0..times {
        world.give_up(requests.clone(), &how).await?;
    }
    Ok(())
}

#[when(
    regex = r#"^"Ada" is read (\d+) times, twice at once, and each read is (cancelled by its client|not answered before its deadline)$"#
)]
async fn reads_are_given_up(world: &mut World, times: usize, how: String) -> StepResult {
    world.unknown_method().await?;
    let id = world.of_user("Ada", "id").map_err(Failure::broken)?;
    let read = ("GetUser", GetUserRequest { id }.encode_to_vec());
    let client = world.own()?.database_client().await?;
    let database = world.own()?.database()?.clone();
    for _ in 0..times / 2 {
        world
            .give_up(vec![read.clone(), read.clone()], &how)
            .await?;
        let seen = database::connections(&client, &database).await?;
        world.users.most_connections = world.users.most_connections.max(seen);
    }
    Ok(())
}
