//! What the steps about users have recorded in one scenario.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use user_proto::v1::{CreateUserRequest, ListUsersRequest, ListUsersResponse, User};

use crate::drivers::Status;
use crate::drivers::users::Call;

/// What the steps about users have recorded.
#[derive(Default)]
pub struct UsersRecord {
    /// Users by their alias.
    pub tracked: BTreeMap<String, TrackedUser>,
    /// Users that share a name, by their alias.
    pub groups: BTreeMap<String, UserGroup>,
    /// The calls of the newest action, in order.
    pub calls: Vec<UserCall>,
    /// Every answer of the scenario as text.
    pub answers: Vec<String>,
    /// The email that several creates share.
    pub contested: String,
    /// Reads that had to return a change, and what they returned.
    pub reads: Vec<ObservedRead>,
    /// The pages of one list.
    pub walk: PageWalk,
    /// Counts of lists: what was counted, the exact number, and the answer.
    pub counts: Vec<(String, i32, Result<i32, Status>)>,
    /// The most connections that the database counted.
    pub most_connections: i64,
    /// Everything that was read from database and Redis.
    pub dump: Vec<String>,
    /// Number of users created without an alias.
    pub made: usize,
}

/// A user that the scenario follows.
#[derive(Debug)]
pub struct TrackedUser {
    /// Every acknowledged state, the newest last.
    pub states: Vec<User>,
    pub password: String,
}

impl TrackedUser {
    pub fn now(&self) -> &User {
        self.states
            .last()
            .unwrap_or_else(|| unreachable!("a tracked user has a state from its creation"))
    }

    pub fn first(&self) -> &User {
        &self.states[0]
    }
}

/// Users that share a name.
#[derive(Debug, Default)]
pub struct UserGroup {
    pub name: String,
    pub users: Vec<User>,
}

/// The pages of one list.
#[derive(Debug, Default)]
pub struct PageWalk {
    pub request: ListUsersRequest,
    pub pages: Vec<ListUsersResponse>,
    pub stable: BTreeSet<String>,
}

/// What a call answered.
#[derive(Clone, Debug)]
pub enum UserResponse {
    User(User),
    Page(ListUsersResponse),
    Empty,
}

/// A completed call.
#[derive(Debug)]
pub struct UserCall {
    pub call: Call<UserResponse>,
    /// The request, if it was a create.
    pub asked: Option<CreateUserRequest>,
    /// The user that the answer must hold.
    pub expected: Option<ExpectedUser>,
    /// The alias whose users a filter must find.
    pub finds: Option<String>,
}

/// The user as it must be after a call.
#[derive(Debug)]
pub struct ExpectedUser {
    pub email: String,
    pub name: String,
    pub status: i32,
    pub metadata: BTreeMap<String, String>,
    /// The user before an update.
    pub before: Option<User>,
    /// The user as it was read right after a success.
    pub again: Option<Result<User, Status>>,
    /// When the call was made, and when it was answered.
    pub made: (DateTime<Utc>, DateTime<Utc>),
}

/// A read that had to return a change.
#[derive(Debug)]
pub struct ObservedRead {
    pub what: String,
    pub expected: Option<User>,
    pub returned: Result<Option<User>, Status>,
}

impl UserCall {
    pub fn new(call: Call<UserResponse>) -> Self {
        Self {
            call,
            asked: None,
            expected: None,
            finds: None,
        }
    }

    pub fn user(&self) -> Option<&User> {
        match &self.call.result {
            Ok(UserResponse::User(user)) => Some(user),
            _ => None,
        }
    }

    pub fn page(&self) -> Option<&ListUsersResponse> {
        match &self.call.result {
            Ok(UserResponse::Page(page)) => Some(page),
            _ => None,
        }
    }
}
