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

use super::UsersApi;
use super::transcript::{Recorded, Transcript};

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

/// A request with its id.
fn with_id<Q>(message: Q, id: &str) -> Request<Q> {
    let mut request = Request::new(message);
    // An id that no header can carry is not sent.
    if let Ok(id) = id.parse() {
        request.metadata_mut().insert("x-request-id", id);
    }
    request
}

/// An answer without its user is an error.
fn user(found: Option<User>) -> Result<User, Status> {
    found.ok_or_else(|| Status::unknown("the suite: an answer without a user"))
}

#[async_trait]
impl UsersApi for Grpc {
    async fn create(&self, request: CreateUserRequest, id: &str) -> Result<User, Status> {
        let answer = self.0.clone().create_user(with_id(request, id)).await?;
        user(answer.into_inner().user)
    }

    async fn get(&self, of: &str, id: &str) -> Result<User, Status> {
        let request = GetUserRequest { id: of.to_owned() };
        let answer = self.0.clone().get_user(with_id(request, id)).await?;
        user(answer.into_inner().user)
    }

    async fn update(&self, request: UpdateUserRequest, id: &str) -> Result<User, Status> {
        let answer = self.0.clone().update_user(with_id(request, id)).await?;
        user(answer.into_inner().user)
    }

    async fn delete(&self, of: &str, id: &str) -> Result<(), Status> {
        let request = DeleteUserRequest { id: of.to_owned() };
        let answer = self.0.clone().delete_user(with_id(request, id)).await;
        answer.map(Response::into_inner)
    }

    async fn list(&self, request: ListUsersRequest, id: &str) -> Result<ListUsersResponse, Status> {
        let answer = self.0.clone().list_users(with_id(request, id)).await;
        answer.map(Response::into_inner)
    }
}
