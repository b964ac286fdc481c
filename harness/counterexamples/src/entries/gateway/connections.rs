//! RES-5, RES-6: connections to the user service.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use gateway::client::{Channel, Connection};
use gateway::parts::Parts;
use gateway::user_service::{Call, UserService};
use tokio::sync::OnceCell;
use tonic::{Code, Response, Status};
use user_proto::v1::user_service_client::UserServiceClient;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse,
};

use super::{parts, replaced, rules};
use crate::entry::Entry;
use crate::upstream::{Around, Try, twist};

pub fn entries() -> Vec<Entry> {
    vec![
        rules(
            "gateway-keeps-silent-connections",
            "RES-5",
            "a connection that fell silent is kept, and keepalive is off",
            |it| {
                it.connection.replace_silent = false;
                it.connection.keepalive_time = |_| None;
            },
        ),
        replaced(
            "gateway-connects-once",
            "RES-5",
            "after a broken connection it never makes a new one",
            |it| twist(it, Once::default()),
        ),
        parts(
            "gateway-keeps-one-connection",
            "RES-5",
            "it uses the one connection that it made first, whatever becomes of it",
            |settings| {
                let mut parts = Parts::contract(settings);
                let channel = Channel::new(settings, parts.rules.connection);
                let connection = OnceCell::new();
                parts.users = Arc::new(First {
                    channel,
                    connection,
                });
                parts
            },
        ),
        replaced(
            "gateway-dies-of-odd-answers",
            "RES-5",
            "it ends at an answer that makes no sense",
            |it| twist(it, Dies),
        ),
        replaced(
            "gateway-never-forgives",
            "RES-5",
            "after three failures it makes no call any more",
            |it| twist(it, Grudge::default()),
        ),
        rules(
            "gateway-without-keepalive",
            "RES-6",
            "it sends no pings",
            |it| it.connection.keepalive_time = |_| None,
        ),
        rules(
            "gateway-pings-every-second",
            "RES-6",
            "it pings every second",
            |it| it.connection.keepalive_time = |_| Some(Duration::from_secs(1)),
        ),
        rules(
            "gateway-waits-long-for-pings",
            "RES-6",
            "it waits an hour for the answer to a ping",
            |it| it.connection.keepalive_timeout = Duration::from_hours(1),
        ),
    ]
}

/// Makes no call after one whose connection broke.
#[derive(Default)]
struct Once(AtomicBool);

#[async_trait]
impl Around for Once {
    async fn make<T: Send>(&self, call: &Call, send: Try<'_, T>) -> Result<T, Status> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Status::unavailable("the connection is gone"));
        }
        let answer = send(call.clone()).await;
        let broke = answer.as_ref().is_err_and(|it| it.source().is_some());
        self.0.store(broke, Ordering::Relaxed);
        answer
    }
}

/// Makes every call on the first connection.
struct First {
    channel: Channel,
    connection: OnceCell<Connection>,
}

impl First {
    async fn users(&self) -> Result<UserServiceClient<Connection>, Status> {
        let open = async || self.channel.open().await;
        let connection = self.connection.get_or_try_init(open).await?.clone();
        let origin = self.channel.origin();
        Ok(UserServiceClient::with_origin(connection, origin))
    }
}

/// An answer within the call's time.
async fn in_time<T>(
    call: &Call,
    answer: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, Status> {
    let late = |_| Err(Status::deadline_exceeded("late"));
    let answer = tokio::time::timeout_at(call.deadline, answer).await;
    answer.unwrap_or_else(late).map(Response::into_inner)
}

#[async_trait]
impl UserService for First {
    async fn create_user(
        &self,
        call: &Call,
        request: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        in_time(call, self.users().await?.create_user(request)).await
    }

    async fn get_user(
        &self,
        call: &Call,
        request: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        in_time(call, self.users().await?.get_user(request)).await
    }

    async fn update_user(
        &self,
        call: &Call,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        in_time(call, self.users().await?.update_user(request)).await
    }

    async fn delete_user(&self, call: &Call, request: DeleteUserRequest) -> Result<(), Status> {
        in_time(call, self.users().await?.delete_user(request)).await
    }

    async fn list_users(
        &self,
        call: &Call,
        request: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        in_time(call, self.users().await?.list_users(request)).await
    }
}

/// Ends the program at what no server should answer.
struct Dies;

#[async_trait]
impl Around for Dies {
    async fn make<T: Send>(&self, call: &Call, send: Try<'_, T>) -> Result<T, Status> {
        let answer = send(call.clone()).await;
        let odd = |it: &Status| matches!(it.code(), Code::Internal | Code::Unknown);
        if answer.as_ref().is_err_and(odd) {
            std::process::abort();
        }
        answer
    }
}

/// Makes no call after three failures, of whatever kind.
#[derive(Default)]
struct Grudge(std::sync::atomic::AtomicU32);

#[async_trait]
impl Around for Grudge {
    async fn make<T: Send>(&self, call: &Call, send: Try<'_, T>) -> Result<T, Status> {
        if self.0.load(Ordering::Relaxed) >= 3 {
            return Err(Status::unavailable("it has failed too often"));
        }
        let answer = send(call.clone()).await;
        if answer.is_err() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}
