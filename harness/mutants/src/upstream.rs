//! The calls of a gateway, some of them made otherwise.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use gateway::parts::Parts;
use gateway::user_service::{Call, UserService};
use tonic::Status;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse,
};

/// Starts one try of a call.
pub type Try<'a, T> = &'a (dyn Fn(Call) -> BoxFuture<'a, Result<T, Status>> + Send + Sync);

/// What is done around every call.
#[async_trait]
pub trait Around: Send + Sync + 'static {
    /// Makes the call: once, several times or not at all.
    async fn make<T: Send>(&self, call: &Call, send: Try<'_, T>) -> Result<T, Status>;
}

struct Twisted<A> {
    inner: Arc<dyn UserService>,
    around: A,
}

/// Puts something around every call.
pub fn twist(parts: &mut Parts, around: impl Around) {
    let inner = parts.users.clone();
    parts.users = Arc::new(Twisted { inner, around });
}

#[async_trait]
impl<A: Around> UserService for Twisted<A> {
    async fn create_user(
        &self,
        call: &Call,
        request: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        let send = |call: Call| -> BoxFuture<'_, _> {
            let request = request.clone();
            Box::pin(async move { self.inner.create_user(&call, request).await })
        };
        self.around.make(call, &send).await
    }

    async fn get_user(
        &self,
        call: &Call,
        request: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        let send = |call: Call| -> BoxFuture<'_, _> {
            let request = request.clone();
            Box::pin(async move { self.inner.get_user(&call, request).await })
        };
        self.around.make(call, &send).await
    }

    async fn update_user(
        &self,
        call: &Call,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        let send = |call: Call| -> BoxFuture<'_, _> {
            let request = request.clone();
            Box::pin(async move { self.inner.update_user(&call, request).await })
        };
        self.around.make(call, &send).await
    }

    async fn delete_user(&self, call: &Call, request: DeleteUserRequest) -> Result<(), Status> {
        let send = |call: Call| -> BoxFuture<'_, _> {
            let request = request.clone();
            Box::pin(async move { self.inner.delete_user(&call, request).await })
        };
        self.around.make(call, &send).await
    }

    async fn list_users(
        &self,
        call: &Call,
        request: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        let send = |call: Call| -> BoxFuture<'_, _> {
            let request = request.clone();
            Box::pin(async move { self.inner.list_users(&call, request).await })
        };
        self.around.make(call, &send).await
    }
}
