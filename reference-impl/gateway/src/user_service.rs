//! The calls of the user service as a trait.

use async_trait::async_trait;
use tonic::Status;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse,
};

use crate::request_context::RequestContext;

/// Makes each call once; a call whose future is dropped is cancelled. A status that no server sent, but a
/// failure of the transport caused, has a source.
#[async_trait]
pub trait UserService: Send + Sync {
    /// `CreateUser`
    async fn create_user(
        &self,
        context: &RequestContext,
        request: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status>;

    /// `GetUser`
    async fn get_user(
        &self,
        context: &RequestContext,
        request: GetUserRequest,
    ) -> Result<GetUserResponse, Status>;

    /// `UpdateUser`
    async fn update_user(
        &self,
        context: &RequestContext,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status>;

    /// `DeleteUser`
    async fn delete_user(
        &self,
        context: &RequestContext,
        request: DeleteUserRequest,
    ) -> Result<(), Status>;

    /// `ListUsers`
    async fn list_users(
        &self,
        context: &RequestContext,
        request: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status>;
}
