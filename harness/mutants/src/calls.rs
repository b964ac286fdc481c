//! What a gateway's calls of its user service become.

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

/// What is made of calls and of what comes back; nothing by default.
#[derive(Clone, Copy)]
pub struct CallFault {
    /// The context of every call.
    pub context: fn(&mut RequestContext),
    /// A new user.
    pub create: fn(&mut CreateUserRequest),
    /// Changes.
    pub update: fn(&mut UpdateUserRequest),
    /// The id in every call that has one.
    pub id: fn(&mut String),
    /// The parameters of a list.
    pub list: fn(&mut ListUsersRequest),
    /// Every user that comes back.
    pub user: fn(&mut User),
    /// A whole page, after its users.
    pub page: fn(&mut ListUsersResponse),
    /// A refusal.
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

/// Puts `fault` around every try of a call.
pub fn inject(dependencies: &mut Dependencies, fault: CallFault) {
    let inner = Arc::clone(&dependencies.users);
    dependencies.users = Arc::new(Faulty { inner, fault });
}

struct Faulty {
    inner: Arc<dyn UserService>,
    fault: CallFault,
}

impl Faulty {
    fn context(&self, context: &RequestContext) -> RequestContext {
        let mut context = context.clone();
        (self.fault.context)(&mut context);
        context
    }

    fn user(&self, user: &mut Option<User>) {
        user.iter_mut().for_each(self.fault.user);
    }
}

#[async_trait]
impl UserService for Faulty {
    async fn create_user(
        &self,
        context: &RequestContext,
        mut request: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        (self.fault.create)(&mut request);
        let answer = self
            .inner
            .create_user(&self.context(context), request)
            .await;
        let mut answer = answer.map_err(self.fault.status)?;
        self.user(&mut answer.user);
        Ok(answer)
    }

    async fn get_user(
        &self,
        context: &RequestContext,
        mut request: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        (self.fault.id)(&mut request.id);
        let answer = self.inner.get_user(&self.context(context), request).await;
        let mut answer = answer.map_err(self.fault.status)?;
        self.user(&mut answer.user);
        Ok(answer)
    }

    async fn update_user(
        &self,
        context: &RequestContext,
        mut request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        (self.fault.id)(&mut request.id);
        (self.fault.update)(&mut request);
        let answer = self
            .inner
            .update_user(&self.context(context), request)
            .await;
        let mut answer = answer.map_err(self.fault.status)?;
        self.user(&mut answer.user);
        Ok(answer)
    }

    async fn delete_user(
        &self,
        context: &RequestContext,
        mut request: DeleteUserRequest,
    ) -> Result<(), Status> {
        (self.fault.id)(&mut request.id);
        let answer = self
            .inner
            .delete_user(&self.context(context), request)
            .await;
        answer.map_err(self.fault.status)
    }

    async fn list_users(
        &self,
        context: &RequestContext,
        mut request: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        (self.fault.list)(&mut request);
        let answer = self.inner.list_users(&self.context(context), request).await;
        let mut answer = answer.map_err(self.fault.status)?;
        answer.users.iter_mut().for_each(self.fault.user);
        (self.fault.page)(&mut answer);
        Ok(answer)
    }
}

/// What every replaced call gets: the real user service.
pub type Inner = Arc<dyn UserService>;

/// A user service some of whose calls are made otherwise; each is the real one's unless it is overridden.
#[async_trait]
pub trait Layer: Send + Sync + 'static {
    /// Instead of `get_user`.
    async fn get(
        &self,
        inner: &Inner,
        context: &RequestContext,
        request: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        inner.get_user(context, request).await
    }

    /// Instead of `update_user`.
    async fn update(
        &self,
        inner: &Inner,
        context: &RequestContext,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        inner.update_user(context, request).await
    }

    /// Instead of `delete_user`.
    async fn delete(
        &self,
        inner: &Inner,
        context: &RequestContext,
        request: DeleteUserRequest,
    ) -> Result<(), Status> {
        inner.delete_user(context, request).await
    }
}

/// Puts the layer around every try of a call.
pub fn add_layer(dependencies: &mut Dependencies, layer: impl Layer) {
    let inner = Arc::clone(&dependencies.users);
    dependencies.users = Arc::new(Layered { inner, layer });
}

struct Layered<T> {
    inner: Inner,
    layer: T,
}

#[async_trait]
impl<T: Layer> UserService for Layered<T> {
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
