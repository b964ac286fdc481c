//! A user service behind the trait: one function answers everything.

use std::sync::{Arc, Mutex};

use gateway::user_service::{Call, UserService};
use prost_types::Timestamp;
use tonic::Status;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse, User,
};

/// What the next call ends with; none lets it hang.
pub type Answer = fn(usize) -> Option<Result<(), Status>>;

/// Notes every call, and answers each with Ada or a status.
pub struct Fake {
    /// What came, as text: the call, its request id and its message.
    pub calls: Mutex<Vec<String>>,
    answer: Answer,
    /// What Ada becomes before she is sent.
    spoil: fn(&mut User),
}

impl Fake {
    /// Answers as `answer` says, by the number of the call, the first being 1.
    pub fn new(answer: Answer) -> Arc<Self> {
        Self::with_user(answer, |_| {})
    }

    /// Answers with a user that `spoil` changed.
    pub fn with_user(answer: Answer, spoil: fn(&mut User)) -> Arc<Self> {
        Arc::new(Self {
            calls: Mutex::default(),
            answer,
            spoil,
        })
    }

    /// How many calls came.
    pub fn count(&self) -> usize {
        self.calls.lock().expect("no test panicked in it").len()
    }

    async fn note(
        &self,
        call: &Call,
        name: &str,
        message: impl std::fmt::Debug,
    ) -> Result<User, Status> {
        let number = {
            let mut calls = self.calls.lock().expect("no test panicked in it");
            calls.push(format!("{name} {:?} {message:?}", call.request_id));
            calls.len()
        };
        let Some(answer) = (self.answer)(number) else {
            return std::future::pending().await;
        };
        answer.map(|()| self.ada())
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
        (self.spoil)(&mut ada);
        ada
    }
}

#[async_trait::async_trait]
impl UserService for Fake {
    async fn create_user(
        &self,
        call: &Call,
        message: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        let user = self.note(call, "create", message).await?;
        Ok(CreateUserResponse { user: Some(user) })
    }

    async fn get_user(
        &self,
        call: &Call,
        message: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        let user = self.note(call, "get", message).await?;
        Ok(GetUserResponse { user: Some(user) })
    }

    async fn update_user(
        &self,
        call: &Call,
        message: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        let user = self.note(call, "update", message).await?;
        Ok(UpdateUserResponse { user: Some(user) })
    }

    async fn delete_user(&self, call: &Call, message: DeleteUserRequest) -> Result<(), Status> {
        self.note(call, "delete", message).await.map(drop)
    }

    async fn list_users(
        &self,
        call: &Call,
        message: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        let user = self.note(call, "list", message).await?;
        Ok(ListUsersResponse {
            users: vec![user],
            next_page_token: "next".to_owned(),
            total_count: 1,
        })
    }
}
