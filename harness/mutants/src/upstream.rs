//! The calls of a gateway, some of them made otherwise.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use gateway::dependencies::Dependencies;
use gateway::request_context::RequestContext;
use gateway::user_service::UserService;
use tonic::Status;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse,
};

/// Starts one try of a call.
pub type Try<'a, T> =
    &'a (dyn Fn(RequestContext) -> BoxFuture<'a, Result<T, Status>> + Send + Sync);

/// What is done around every call.
#[async_trait]
pub trait Around: Send + Sync + 'static {
    /// Makes the call: once, several times or not at all.
    async fn make<T: Send>(&self, context: &RequestContext, send: Try<'_, T>) -> Result<T, Status>;
}

struct Layered<A> {
    inner: Arc<dyn UserService>,
    around: A,
}

/// Puts something around every call.
pub fn add_layer(dependencies: &mut Dependencies, around: impl Around) {
    let inner = dependencies.users.clone();
    dependencies.users = Arc::new(Layered { inner, around });
}

#[async_trait]
impl<A: Around> UserService for Layered<A> {
    async fn create_user(
        &self,
        context: &RequestContext,
        request: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        let send = |context: RequestContext| -> BoxFuture<'_, _> {
            let request = request.clone();
            Box::pin(async move { self.inner.create_user(&context, request).await })
        };
        self.around.make(context, &send).await
    }

    async fn get_user(
        &self,
        context: &RequestContext,
        request: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        let send = |context: RequestContext| -> BoxFuture<'_, _> {
            let request = request.clone();
            Box::pin(async move { self.inner.get_user(&context, request).await })
        };
        self.around.make(context, &send).await
    }

    async fn update_user(
        &self,
        context: &RequestContext,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        let send = |context: RequestContext| -> BoxFuture<'_, _> {
            let request = request.clone();
            Box::pin(async move { self.inner.update_user(&context, request).await })
        };
        self.around.make(context, &send).await
    }

    async fn delete_user(
        &self,
        context: &RequestContext,
        request: DeleteUserRequest,
    ) -> Result<(), Status> {
        let send = |context: RequestContext| -> BoxFuture<'_, _> {
            let request = request.clone();
            Box::pin(async move { self.inner.delete_user(&context, request).await })
        };
        self.around.make(context, &send).await
    }

    async fn list_users(
        &self,
        context: &RequestContext,
        request: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        let send = |context: RequestContext| -> BoxFuture<'_, _> {
            let request = request.clone();
            Box::pin(async move { self.inner.list_users(&context, request).await })
        };
        self.around.make(context, &send).await
    }
}
