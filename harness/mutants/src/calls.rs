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
pub struct Spoil {
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

impl Default for Spoil {
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

/// Puts `spoil` around every try of a call.
pub fn spoil(dependencies: &mut Dependencies, spoil: Spoil) {
    let inner = Arc::clone(&dependencies.users);
    dependencies.users = Arc::new(Spoiled { inner, spoil });
}

struct Spoiled {
    inner: Arc<dyn UserService>,
    spoil: Spoil,
}

impl Spoiled {
    fn context(&self, context: &RequestContext) -> RequestContext {
        let mut context = context.clone();
        (self.spoil.context)(&mut context);
        context
    }

    fn user(&self, user: &mut Option<User>) {
        user.iter_mut().for_each(self.spoil.user);
    }
}

#[async_trait]
impl UserService for Spoiled {
    async fn create_user(
        &self,
        context: &RequestContext,
        mut request: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        (self.spoil.create)(&mut request);
        let answer = self
            .inner
            .create_user(&self.context(context), request)
            .await;
        let mut answer = answer.map_err(self.spoil.status)?;
        self.user(&mut answer.user);
        Ok(answer)
    }

    async fn get_user(
        &self,
        context: &RequestContext,
        mut request: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        (self.spoil.id)(&mut request.id);
        let answer = self.inner.get_user(&self.context(context), request).await;
        let mut answer = answer.map_err(self.spoil.status)?;
        self.user(&mut answer.user);
        Ok(answer)
    }

    async fn update_user(
        &self,
        context: &RequestContext,
        mut request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        (self.spoil.id)(&mut request.id);
        (self.spoil.update)(&mut request);
        let answer = self
            .inner
            .update_user(&self.context(context), request)
            .await;
        let mut answer = answer.map_err(self.spoil.status)?;
        self.user(&mut answer.user);
        Ok(answer)
    }

    async fn delete_user(
        &self,
        context: &RequestContext,
        mut request: DeleteUserRequest,
    ) -> Result<(), Status> {
        (self.spoil.id)(&mut request.id);
        let answer = self
            .inner
            .delete_user(&self.context(context), request)
            .await;
        answer.map_err(self.spoil.status)
    }

    async fn list_users(
        &self,
        context: &RequestContext,
        mut request: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        (self.spoil.list)(&mut request);
        let answer = self.inner.list_users(&self.context(context), request).await;
        let mut answer = answer.map_err(self.spoil.status)?;
        answer.users.iter_mut().for_each(self.spoil.user);
        (self.spoil.page)(&mut answer);
        Ok(answer)
    }
}

/// What every replaced call gets: the real user service.
pub type Inner = Arc<dyn UserService>;

/// A user service some of whose calls are made otherwise; each is the real one's unless it is overridden.
#[async_trait]
pub trait Twist: Send + Sync + 'static {
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

/// Puts the twist around every try of a call.
pub fn twist(dependencies: &mut Dependencies, twist: impl Twist) {
    let inner = Arc::clone(&dependencies.users);
    dependencies.users = Arc::new(Twisted { inner, twist });
}

struct Twisted<T> {
    inner: Inner,
    twist: T,
}

#[async_trait]
impl<T: Twist> UserService for Twisted<T> {
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
        self.twist.get(&self.inner, context, request).await
    }

    async fn update_user(
        &self,
        context: &RequestContext,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        self.twist.update(&self.inner, context, request).await
    }

    async fn delete_user(
        &self,
        context: &RequestContext,
        request: DeleteUserRequest,
    ) -> Result<(), Status> {
        self.twist.delete(&self.inner, context, request).await
    }

    async fn list_users(
        &self,
        context: &RequestContext,
        request: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        self.inner.list_users(context, request).await
    }
}
