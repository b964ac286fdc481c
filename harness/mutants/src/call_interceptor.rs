//! Wraps all calls that a gateway makes, in the same way for each method.

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

/// Sends one attempt of a call.
pub type Attempt<'a, T> =
    &'a (dyn Fn(RequestContext) -> BoxFuture<'a, Result<T, Status>> + Send + Sync);

/// Handles every call of the user service.
#[async_trait]
pub trait CallInterceptor: Send + Sync + 'static {
    /// Makes the call: `send` may be called once, several times or not at all.
    async fn call<T: Send>(
        &self,
        context: &RequestContext,
        send: Attempt<'_, T>,
    ) -> Result<T, Status>;
}

struct InterceptedUserService<I> {
    inner: Arc<dyn UserService>,
    interceptor: I,
}

/// Passes every call to an interceptor.
pub fn intercept_calls(dependencies: &mut Dependencies, interceptor: impl CallInterceptor) {
    let inner = dependencies.users.clone();
    dependencies.users = Arc::new(InterceptedUserService { inner, interceptor });
}

#[async_trait]
impl<I: CallInterceptor> UserService for InterceptedUserService<I> {
    async fn create_user(
        &self,
        context: &RequestContext,
        request: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        let send = |context: RequestContext| -> BoxFuture<'_, _> {
            let request = request.clone();
            Box::pin(async move { self.inner.create_user(&context, request).await })
        };
        self.interceptor.call(context, &send).await
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
        self.interceptor.call(context, &send).await
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
        self.interceptor.call(context, &send).await
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
        self.interceptor.call(context, &send).await
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
        self.interceptor.call(context, &send).await
    }
}
