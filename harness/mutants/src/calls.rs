//! What a gateway's calls of its user service become.

use std::sync::Arc;

use async_trait::async_trait;
use gateway::parts::Parts;
use gateway::user_service::{Call, UserService};
use tonic::Status;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse, User,
};

/// What is made of calls and of what comes back; nothing by default.
#[derive(Clone, Copy)]
pub struct Spoil {
    /// What goes with every call.
    pub call: fn(&mut Call),
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
            call: |_| {},
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
pub fn spoil(parts: &mut Parts, spoil: Spoil) {
    let inner = Arc::clone(&parts.users);
    parts.users = Arc::new(Spoiled { inner, spoil });
}

struct Spoiled {
    inner: Arc<dyn UserService>,
    spoil: Spoil,
}

impl Spoiled {
    fn call(&self, call: &Call) -> Call {
        let mut call = call.clone();
        (self.spoil.call)(&mut call);
        call
    }

    fn user(&self, user: &mut Option<User>) {
        user.iter_mut().for_each(self.spoil.user);
    }
}

#[async_trait]
impl UserService for Spoiled {
    async fn create_user(
        &self,
        call: &Call,
        mut request: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        (self.spoil.create)(&mut request);
        let answer = self.inner.create_user(&self.call(call), request).await;
        let mut answer = answer.map_err(self.spoil.status)?;
        self.user(&mut answer.user);
        Ok(answer)
    }

    async fn get_user(
        &self,
        call: &Call,
        mut request: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        (self.spoil.id)(&mut request.id);
        let answer = self.inner.get_user(&self.call(call), request).await;
        let mut answer = answer.map_err(self.spoil.status)?;
        self.user(&mut answer.user);
        Ok(answer)
    }

    async fn update_user(
        &self,
        call: &Call,
        mut request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        (self.spoil.id)(&mut request.id);
        (self.spoil.update)(&mut request);
        let answer = self.inner.update_user(&self.call(call), request).await;
        let mut answer = answer.map_err(self.spoil.status)?;
        self.user(&mut answer.user);
        Ok(answer)
    }

    async fn delete_user(&self, call: &Call, mut request: DeleteUserRequest) -> Result<(), Status> {
        (self.spoil.id)(&mut request.id);
        let answer = self.inner.delete_user(&self.call(call), request).await;
        answer.map_err(self.spoil.status)
    }

    async fn list_users(
        &self,
        call: &Call,
        mut request: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        (self.spoil.list)(&mut request);
        let answer = self.inner.list_users(&self.call(call), request).await;
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
        call: &Call,
        request: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        inner.get_user(call, request).await
    }

    /// Instead of `update_user`.
    async fn update(
        &self,
        inner: &Inner,
        call: &Call,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        inner.update_user(call, request).await
    }

    /// Instead of `delete_user`.
    async fn delete(
        &self,
        inner: &Inner,
        call: &Call,
        request: DeleteUserRequest,
    ) -> Result<(), Status> {
        inner.delete_user(call, request).await
    }
}

/// Puts the twist around every try of a call.
pub fn twist(parts: &mut Parts, twist: impl Twist) {
    let inner = Arc::clone(&parts.users);
    parts.users = Arc::new(Twisted { inner, twist });
}

struct Twisted<T> {
    inner: Inner,
    twist: T,
}

#[async_trait]
impl<T: Twist> UserService for Twisted<T> {
    async fn create_user(
        &self,
        call: &Call,
        request: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        self.inner.create_user(call, request).await
    }

    async fn get_user(
        &self,
        call: &Call,
        request: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        self.twist.get(&self.inner, call, request).await
    }

    async fn update_user(
        &self,
        call: &Call,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        self.twist.update(&self.inner, call, request).await
    }

    async fn delete_user(&self, call: &Call, request: DeleteUserRequest) -> Result<(), Status> {
        self.twist.delete(&self.inner, call, request).await
    }

    async fn list_users(
        &self,
        call: &Call,
        request: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        self.inner.list_users(call, request).await
    }
}
