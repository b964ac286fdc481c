//! The calls of the user service as the wire has them: gRPC over one connection.
//!
//! tonic's own channel is not used: it does not say whether a call was sent at all, and takes failures of
//! a connection for answers.
//!
//! - [`channel`]: the one connection, opened when it is needed and replaced when it is lost
//! - [`connection`]: what carries calls
//! - [`answer`]: the body of an answer, held to what gRPC allows
//! - [`faults`]: the status of a call whose connection failed

pub mod answer;
pub mod channel;
pub mod connection;
pub mod faults;

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, timeout_at};
use tonic::metadata::AsciiMetadataValue;
use tonic::{Request, Response, Status};
use user_proto::v1::user_service_client::UserServiceClient;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse,
};

pub use self::channel::Channel;
pub use self::connection::ConnectionRules;
pub use self::faults::is_of_connection;
use crate::user_service::{Call, UserService};

/// Makes calls over a channel.
pub struct Client {
    users: UserServiceClient<Channel>,
}

impl Client {
    /// A client of the user service behind `channel`.
    pub fn new(channel: Channel) -> Self {
        let origin = channel.origin();
        Self {
            // Answers are bounded where their bytes arrive: here that would look like an answer.
            users: UserServiceClient::with_origin(channel, origin)
                .max_decoding_message_size(usize::MAX),
        }
    }
}

/// Waits for an answer until the deadline (RES-1).
async fn until_deadline<T>(
    call: &Call,
    answer: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, Status> {
    match timeout_at(call.deadline, answer).await {
        Ok(answer) => answer.map(Response::into_inner),
        Err(_) => Err(Status::deadline_exceeded("REQUEST_TIMEOUT is over")),
    }
}

/// A message with what goes with every try.
fn request<T>(call: &Call, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Ok(id) = AsciiMetadataValue::try_from(call.request_id.as_bytes()) {
        request.metadata_mut().insert("x-request-id", id);
    }
    // Never 0: servers differ in what they make of it.
    let left = call.deadline.saturating_duration_since(Instant::now());
    request.set_timeout(left.max(Duration::from_millis(1)));
    request
}

#[async_trait]
impl UserService for Client {
    async fn create_user(
        &self,
        call: &Call,
        message: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        let mut users = self.users.clone();
        until_deadline(call, users.create_user(request(call, message))).await
    }

    async fn get_user(
        &self,
        call: &Call,
        message: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        let mut users = self.users.clone();
        until_deadline(call, users.get_user(request(call, message))).await
    }

    async fn update_user(
        &self,
        call: &Call,
        message: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        let mut users = self.users.clone();
        until_deadline(call, users.update_user(request(call, message))).await
    }

    async fn delete_user(&self, call: &Call, message: DeleteUserRequest) -> Result<(), Status> {
        let mut users = self.users.clone();
        until_deadline(call, users.delete_user(request(call, message))).await
    }

    async fn list_users(
        &self,
        call: &Call,
        message: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        let mut users = self.users.clone();
        until_deadline(call, users.list_users(request(call, message))).await
    }
}
