//! A user service behind the trait: one function decides the result of every call.

use std::sync::{Arc, Mutex};

use gateway::request_context::RequestContext;
use gateway::user_service::UserService;
use prost_types::Timestamp;
use tonic::Status;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse, User,
};

/// The result of a call by its number; none lets it hang.
pub type CallResult = fn(usize) -> Option<Result<(), Status>>;

/// Records every call; each returns Ada or a status.
pub struct Fake {
    /// Each call as text: its name, request id and message.
    pub calls: Mutex<Vec<String>>,
    result: CallResult,
    /// Changes Ada before she is returned.
    change: fn(&mut User),
}

impl Fake {
    /// Calls return what `result` says, by their number, the first being 1.
    pub fn new(result: CallResult) -> Arc<Self> {
        Self::with_user(result, |_| {})
    }

    /// The same, with a user that `change` changed.
    pub fn with_user(result: CallResult, change: fn(&mut User)) -> Arc<Self> {
        Arc::new(Self {
            calls: Mutex::default(),
            result,
            change,
        })
    }

    /// How many calls were made.
    pub fn count(&self) -> usize {
        self.calls.lock().expect("no test panicked in it").len()
    }

    async fn record(
        &self,
        context: &RequestContext,
        name: &str,
        message: impl std::fmt::Debug,
    ) -> Result<User, Status> {
        let number = {
            let mut calls = self.calls.lock().expect("no test panicked in it");
            calls.push(format!("{name} {:?} {message:?}", context.request_id));
            calls.len()
        };
        let Some(result) = (self.result)(number) else {
            return std::future::pending().await;
        };
        result.map(|()| self.ada())
    }

    fn ada(&self) -> User {
        let time = Timestamp {
            seconds: 1_700_000_000,
            nanos: 0,
        };
        let mut ada = User {
            id: "ada".to_owned(),
            email: "ada@example.com".to_owned(),
            name: "Ada".to_owned(),
            status: 1,
            created_at: Some(time),
            updated_at: Some(time),
            metadata: [("k".to_owned(), "v".to_owned())].into(),
        };
        (self.change)(&mut ada);
        ada
    }
}

#[async_trait::async_trait]
impl UserService for Fake {
    async fn create_user(
        &self,
        context: &RequestContext,
        message: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        let user = self.record(context, "create", message).await?;
        Ok(CreateUserResponse { user: Some(user) })
    }

    async fn get_user(
        &self,
        context: &RequestContext,
        message: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        let user = self.record(context, "get", message).await?;
        Ok(GetUserResponse { user: Some(user) })
    }

    async fn update_user(
        &self,
        context: &RequestContext,
        message: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        let user = self.record(context, "update", message).await?;
        Ok(UpdateUserResponse { user: Some(user) })
    }

    async fn delete_user(
        &self,
        context: &RequestContext,
        message: DeleteUserRequest,
    ) -> Result<(), Status> {
        self.record(context, "delete", message).await.map(drop)
    }

    async fn list_users(
        &self,
        context: &RequestContext,
        message: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        let user = self.record(context, "list", message).await?;
        Ok(ListUsersResponse {
            users: vec![user],
            next_page_token: "next".to_owned(),
            total_count: 1,
        })
    }
}
