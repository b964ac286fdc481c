//! Calls about users, over one connection to one instance.
//!
//! - [`transcript`]: the bytes of all answers
//! - [`grpc`]: over gRPC, to a user service
//! - [`http`]: over HTTP, to a gateway

mod grpc;
mod http;
pub mod transcript;

use std::sync::Arc;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::Journal;
use conformance_engine::observe::journal::EventKind;
use conformance_engine::run::scenario::ScenarioContext;
use tonic::{Code, Status};
use user_proto::v1::{
    CreateUserRequest, ListUsersRequest, ListUsersResponse, UpdateUserRequest, User,
};

use self::grpc::Grpc;
use self::http::Http;
use self::transcript::Transcript;

/// Time limit of a call, far above every limit of the contract.
const GIVE_UP: Duration = Duration::from_secs(30);

/// A call and its result.
#[derive(Clone, Debug)]
pub struct Call<T> {
    /// `CreateUser`.
    pub method: &'static str,
    /// The answer, or the status that it failed with.
    pub result: Result<T, Status>,
    /// From sending to the answer.
    pub took: Duration,
}

impl<T> Call<T> {
    /// The code it ended with.
    pub fn code(&self) -> Code {
        self.result.as_ref().err().map_or(Code::Ok, Status::code)
    }

    /// The answer of a call that must succeed for the scenario to go on.
    pub fn ok(self) -> StepResult<T> {
        let method = self.method;
        self.result
            .map_err(|status| Failure::mismatch(format!("{method} succeeds"), shown(&status)))
    }

    /// The same call with another answer.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Call<U> {
        Call {
            method: self.method,
            result: self.result.map(change),
            took: self.took,
        }
    }
}

/// A status, for messages: `ALREADY_EXISTS "email is taken"`.
pub fn shown(status: &Status) -> String {
    format!(
        "{} {:?}",
        crate::params::code_name(status.code()),
        status.message()
    )
}

/// Whether the client library made the status, of a connection that failed, and no server sent it.
pub fn is_made_by_client(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
}

/// A status as the server sent it. One that the client library made of a connection that failed becomes
/// UNKNOWN: a refused connection is UNAVAILABLE to a client, and a program that has ended would pass for one
/// whose database is unreachable.
fn as_sent(status: Status) -> Status {
    let Some(cause) = std::error::Error::source(&status) else {
        return status;
    };
    let cause = super::innermost(cause);
    let mut unknown = Status::unknown(format!(
        "no status of the server, but a failed connection: {cause}"
    ));
    unknown.set_source(std::sync::Arc::new(status));
    unknown
}

/// The longest page token (USR-15).
const LONGEST_TOKEN: usize = 2048;

/// A page, held against what every page must be (USR-12, USR-15); another is no answer that any scenario
/// could take for the right one.
fn page(page: ListUsersResponse) -> Result<ListUsersResponse, Status> {
    let token = page.next_page_token.chars().count();
    let wrong = if token > LONGEST_TOKEN {
        format!("a page token of {token} characters (USR-15)")
    } else if page.users.len() > 100 {
        format!("a page of {} users (USR-12)", page.users.len())
    } else {
        return Ok(page);
    };
    Err(Status::unknown(format!("the suite: {wrong}")))
}

/// The headers of a call, over gRPC its metadata.
#[derive(Clone, Debug)]
struct CallHeaders {
    /// `x-request-id`.
    request_id: String,
    /// Any other header, such as `traceparent`.
    others: Vec<(&'static str, String)>,
}

/// One of the interfaces that take calls about users.
#[async_trait]
trait UsersApi: std::fmt::Debug + Send + Sync {
    async fn create(
        &self,
        request: CreateUserRequest,
        headers: &CallHeaders,
    ) -> Result<User, Status>;
    async fn get(&self, user: &str, headers: &CallHeaders) -> Result<User, Status>;
    async fn update(
        &self,
        request: UpdateUserRequest,
        headers: &CallHeaders,
    ) -> Result<User, Status>;
    async fn delete(&self, user: &str, headers: &CallHeaders) -> Result<(), Status>;
    async fn list(
        &self,
        request: ListUsersRequest,
        headers: &CallHeaders,
    ) -> Result<ListUsersResponse, Status>;
}

/// The interface and URL of an instance for calls about users.
#[derive(Clone, Debug)]
pub enum Interface {
    /// `UserService` at this URL.
    Grpc(String),
    /// The gateway's routes at this one.
    Http(String),
}

impl Interface {
    fn url(&self) -> &str {
        let (Self::Grpc(url) | Self::Http(url)) = self;
        url
    }
}

/// A client on one connection; clones share it.
#[derive(Clone, Debug)]
pub struct Users {
    api: Arc<dyn UsersApi>,
    transcript: Transcript,
    journal: Journal,
    headers: CallHeaders,
    to: String,
}

impl Users {
    /// A connection, opened at the first call.
    pub fn connect(interface: &Interface, scenario: &ScenarioContext) -> StepResult<Self> {
        let transcript = Transcript::default();
        let api: Arc<dyn UsersApi> = match interface {
            Interface::Grpc(url) => Arc::new(Grpc::connect(url, transcript.clone())?),
            Interface::Http(url) => Arc::new(Http::connect(url, transcript.clone())),
        };
        let url = interface.url();
        Ok(Self {
            api,
            transcript,
            journal: scenario.journal.clone(),
            headers: CallHeaders {
                request_id: scenario.id.clone(),
                others: Vec::new(),
            },
            to: url.rsplit(':').next().unwrap_or_default().to_owned(),
        })
    }

    /// The same connection, with a request id of its own.
    #[must_use]
    pub fn with_request_id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.headers.request_id);
        self
    }

    /// The same connection, with this header in addition.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.others.push((name, value.into()));
        self
    }

    /// What came back on this connection, byte by byte, once it is begun.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// Without entries in the journal, for loads whose calls would drown everything else.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.journal = Journal::new();
        self
    }

    /// CreateUser; the answer's user.
    pub async fn create(&self, request: CreateUserRequest) -> Call<User> {
        let call = self.api.create(request, &self.headers);
        self.call("CreateUser", call).await
    }

    /// GetUser; the answer's user.
    pub async fn get(&self, id: &str) -> Call<User> {
        let call = self.api.get(id, &self.headers);
        self.call("GetUser", call).await
    }

    /// UpdateUser; the answer's user.
    pub async fn update(&self, request: UpdateUserRequest) -> Call<User> {
        let call = self.api.update(request, &self.headers);
        self.call("UpdateUser", call).await
    }

    /// DeleteUser.
    pub async fn delete(&self, id: &str) -> Call<()> {
        let call = self.api.delete(id, &self.headers);
        self.call("DeleteUser", call).await
    }

    /// ListUsers; the whole page.
    pub async fn list(&self, request: ListUsersRequest) -> Call<ListUsersResponse> {
        let listed = self.api.list(request, &self.headers);
        let call = async { listed.await.and_then(page) };
        self.call("ListUsers", call).await
    }

    /// Creates these users one after the other, each under an email of its own at every call; the first failure ends it.
    pub async fn create_each(&self, requests: &[CreateUserRequest]) -> Result<Vec<User>, String> {
        let mut users = Vec::new();
        for request in requests {
            let unique = uuid::Uuid::new_v4().simple().to_string();
            let mut request = request.clone();
            request.email = format!("{}-{}", &unique[..8], request.email);
            let created = self.create(request).await.result;
            users.push(created.map_err(|status| shown(&status))?);
        }
        Ok(users)
    }

    /// The same, and reads each back.
    pub async fn create_and_get(&self, requests: &[CreateUserRequest]) -> Result<(), String> {
        for request in requests {
            for user in self.create_each(std::slice::from_ref(request)).await? {
                let read = self.get(&user.id).await.result;
                read.map_err(|status| shown(&status))?;
            }
        }
        Ok(())
    }

    async fn call<A>(
        &self,
        method: &'static str,
        sent: impl Future<Output = Result<A, Status>>,
    ) -> Call<A> {
        let begun = Instant::now();
        let answer = tokio::time::timeout(GIVE_UP, sent).await;
        let took = begun.elapsed();
        // Not DEADLINE_EXCEEDED: no check may take the suite's patience for the subject's answer.
        let result = answer.unwrap_or_else(|_| {
            Err(Status::unknown(format!(
                "the suite gave up: no answer within {} s",
                GIVE_UP.as_secs()
            )))
        });
        let call = Call {
            method,
            result: result.map_err(as_sent),
            took,
        };
        self.note(&call);
        call
    }

    fn note<T>(&self, call: &Call<T>) {
        let status = match &call.result {
            Ok(_) => "OK".to_owned(),
            Err(status) => shown(status),
        };
        self.journal.record(EventKind::Call {
            method: format!("{} :{}", call.method, self.to),
            status,
            took: call.took,
        });
    }
}
