//! The calls of the user service that the gateway makes, as a trait.

use async_trait::async_trait;
use axum::http::HeaderValue;
use tokio::time::Instant;
use tonic::Status;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse,
};

/// What goes with every try of a call.
#[derive(Debug, Clone)]
pub struct Call {
    /// The id of the request that causes it (GWY-7).
    pub request_id: HeaderValue,
    /// When nobody waits for the answer any more (RES-1).
    pub deadline: Instant,
}

/// Makes calls, each once. One whose future is dropped is cancelled. A status that no server
/// sent, but a connection's failure caused, has a source.
#[async_trait]
pub trait UserService: Send + Sync {
    /// `CreateUser`
    async fn create_user(
        &self,
        call: &Call,
        request: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status>;

    /// `GetUser`
    async fn get_user(
        &self,
        call: &Call,
        request: GetUserRequest,
    ) -> Result<GetUserResponse, Status>;

    /// `UpdateUser`
    async fn update_user(
        &self,
        call: &Call,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status>;

    /// `DeleteUser`
    async fn delete_user(&self, call: &Call, request: DeleteUserRequest) -> Result<(), Status>;

    /// `ListUsers`
    async fn list_users(
        &self,
        call: &Call,
        request: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status>;
}
