//! Changes a gateway's calls of its user service, method by method.

use std::sync::Arc;

use async_trait::async_trait;
use gateway::dependencies::Dependencies;
use gateway::request_context::RequestContext;
use gateway::user_service::UserService;
use tonic::Status;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse, User,
};

/// Changes messages of calls and of their responses; the default changes nothing.
#[derive(Clone, Copy)]
pub struct CallFault {
    /// Changes the context of every call.
    pub context: fn(&mut RequestContext),
    /// Changes a request to create a user.
    pub create: fn(&mut CreateUserRequest),
    /// Changes a request to update a user.
    pub update: fn(&mut UpdateUserRequest),
    /// Changes the id in every request that has one.
    pub id: fn(&mut String),
    /// Changes a request to list users.
    pub list: fn(&mut ListUsersRequest),
    /// Changes every user in a response.
    pub user: fn(&mut User),
    /// Changes the response to a list, after its users.
    pub page: fn(&mut ListUsersResponse),
    /// Changes the status of a failed call.
    pub status: fn(Status) -> Status,
}

impl Default for CallFault {
    fn default() -> Self {
        Self {
            context: |_| {},
            create: |_| {},
            update: |_| {},
            id: |_| {},
            list: |_| {},
            user: |_| {},
            page: |_| {},
            status: |status| status,
        }
    }
}

/// Injects a fault into every attempt of a call.
pub fn inject_call_fault(dependencies: &mut Dependencies, fault: CallFault) {
    let inner = Arc::clone(&dependencies.users);
    dependencies.users = Arc::new(FaultyCalls { inner, fault });
}

struct FaultyCalls {
    inner: Arc<dyn UserService>,
    fault: CallFault,
}

impl FaultyCalls {
    fn change_context(&self, context: &RequestContext) -> RequestContext {
        let mut context = context.clone();
        (self.fault.context)(&mut context);
        context
    }

    fn change_user(&self, user: &mut Option<User>) {
        user.iter_mut().for_each(self.fault.user);
    }
}

#[async_trait]
impl UserService for FaultyCalls {
    async fn create_user(
        &self,
        context: &RequestContext,
        mut request: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        (self.fault.create)(&mut request);
        let response = self
            .inner
            .create_user(&self.change_context(context), request)
            .await;
        let mut response = response.map_err(self.fault.status)?;
        self.change_user(&mut response.user);
        Ok(response)
    }

    async fn get_user(
        &self,
        context: &RequestContext,
        mut request: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        (self.fault.id)(&mut request.id);
        let response = self
            .inner
            .get_user(&self.change_context(context), request)
            .await;
        let mut response = response.map_err(self.fault.status)?;
        self.change_user(&mut response.user);
        Ok(response)
    }

    async fn update_user(
        &self,
        context: &RequestContext,
        mut request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        (self.fault.id)(&mut request.id);
        (self.fault.update)(&mut request);
        let response = self
            .inner
            .update_user(&self.change_context(context), request)
            .await;
        let mut response = response.map_err(self.fault.status)?;
        self.change_user(&mut response.user);
        Ok(response)
    }

    async fn delete_user(
        &self,
        context: &RequestContext,
        mut request: DeleteUserRequest,
    ) -> Result<(), Status> {
        (self.fault.id)(&mut request.id);
        let response = self
            .inner
            .delete_user(&self.change_context(context), request)
            .await;
        response.map_err(self.fault.status)
    }

    async fn list_users(
        &self,
        context: &RequestContext,
        mut request: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        (self.fault.list)(&mut request);
        let response = self
            .inner
            .list_users(&self.change_context(context), request)
            .await;
        let mut response = response.map_err(self.fault.status)?;
        response.users.iter_mut().for_each(self.fault.user);
        (self.fault.page)(&mut response);
        Ok(response)
    }
}

/// The real user service, which every overridden method receives.
pub type Inner = Arc<dyn UserService>;

/// Overrides calls of a user service; the default methods make the real call.
#[async_trait]
pub trait CallLayer: Send + Sync + 'static {
    /// Replaces `get_user`.
    async fn get(
        &self,
        inner: &Inner,
        context: &RequestContext,
        request: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        inner.get_user(context, request).await
    }

    /// Replaces `update_user`.
    async fn update(
        &self,
        inner: &Inner,
        context: &RequestContext,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        inner.update_user(context, request).await
    }

    /// Replaces `delete_user`.
    async fn delete(
        &self,
        inner: &Inner,
        context: &RequestContext,
        request: DeleteUserRequest,
    ) -> Result<(), Status> {
        inner.delete_user(context, request).await
    }
}

/// Wraps every attempt of a call in a layer.
pub fn wrap_calls(dependencies: &mut Dependencies, layer: impl CallLayer) {
    let inner = Arc::clone(&dependencies.users);
    dependencies.users = Arc::new(LayeredCalls { inner, layer });
}

struct LayeredCalls<T> {
    inner: Inner,
    layer: T,
}

#[async_trait]
impl<T: CallLayer> UserService for LayeredCalls<T> {
    async fn create_user(
        &self,
        context: &RequestContext,
        request: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        self.inner.create_user(context, request).await
    }

    async fn get_user(
        &self,
        context: &RequestContext,
        request: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        self.layer.get(&self.inner, context, request).await
    }

    async fn update_user(
        &self,
        context: &RequestContext,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        self.layer.update(&self.inner, context, request).await
    }

    async fn delete_user(
        &self,
        context: &RequestContext,
        request: DeleteUserRequest,
    ) -> Result<(), Status> {
        self.layer.delete(&self.inner, context, request).await
    }

    async fn list_users(
        &self,
        context: &RequestContext,
        request: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        self.inner.list_users(context, request).await
    }
}
