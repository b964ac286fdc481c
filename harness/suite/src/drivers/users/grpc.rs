//! `UserService` over gRPC.

use async_trait::async_trait;
use conformance_engine::failure::{Failure, StepResult};
use tonic::transport::Endpoint;
use tonic::{Request, Response, Status};
use user_proto::v1::user_service_client::UserServiceClient;
use user_proto::v1::{
    CreateUserRequest, DeleteUserRequest, GetUserRequest, ListUsersRequest, ListUsersResponse,
    UpdateUserRequest, User,
};

use super::transcript::{Recorded, Transcript};
use super::{CallHeaders, UsersApi};

/// A connection to one instance of the user service.
#[derive(Debug)]
pub struct Grpc(UserServiceClient<Recorded>);

impl Grpc {
    /// A connection to `url`, opened at the first call.
    pub fn connect(url: &str, transcript: Transcript) -> StepResult<Self> {
        let endpoint = Endpoint::from_shared(url.to_owned()).map_err(Failure::broken)?;
        let channel = Recorded {
            channel: endpoint.connect_lazy(),
            transcript,
        };
        // A page of 100 users with all the metadata that USR-5 allows stays under 4 MiB; what does
        // not is worth a clear message, so the client takes more than the usual limit.
        let client = UserServiceClient::new(channel).max_decoding_message_size(64 << 20);
        Ok(Self(client))
    }
}

/// A request with its headers.
fn with_headers<Q>(message: Q, headers: &CallHeaders) -> Request<Q> {
    let mut request = Request::new(message);
    let id = ("x-request-id", &headers.request_id);
    let others = headers.others.iter().map(|(name, value)| (*name, value));
    for (name, value) in others.chain([id]) {
        // A value that no header can carry is not sent.
        if let Ok(value) = value.parse() {
            request.metadata_mut().insert(name, value);
        }
    }
    request
}

/// An answer without its user is an error.
fn user(found: Option<User>) -> Result<User, Status> {
    found.ok_or_else(|| Status::unknown("the suite: an answer without a user"))
}

#[async_trait]
impl UsersApi for Grpc {
    async fn create(
        &self,
        request: CreateUserRequest,
        headers: &CallHeaders,
    ) -> Result<User, Status> {
        let answer = self
            .0
            .clone()
            .create_user(with_headers(request, headers))
            .await?;
        user(answer.into_inner().user)
    }

    async fn get(&self, of: &str, headers: &CallHeaders) -> Result<User, Status> {
        let request = GetUserRequest { id: of.to_owned() };
        let answer = self
            .0
            .clone()
            .get_user(with_headers(request, headers))
            .await?;
        user(answer.into_inner().user)
    }

    async fn update(
        &self,
        request: UpdateUserRequest,
        headers: &CallHeaders,
    ) -> Result<User, Status> {
        let answer = self
            .0
            .clone()
            .update_user(with_headers(request, headers))
            .await?;
        user(answer.into_inner().user)
    }

    async fn delete(&self, of: &str, headers: &CallHeaders) -> Result<(), Status> {
        let request = DeleteUserRequest { id: of.to_owned() };
        let answer = self
            .0
            .clone()
            .delete_user(with_headers(request, headers))
            .await;
        answer.map(Response::into_inner)
    }

    async fn list(
        &self,
        request: ListUsersRequest,
        headers: &CallHeaders,
    ) -> Result<ListUsersResponse, Status> {
        let answer = self
            .0
            .clone()
            .list_users(with_headers(request, headers))
            .await;
        answer.map(Response::into_inner)
    }
}
