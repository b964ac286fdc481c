//! The users' gRPC interface, over one connection to one instance.

use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::Journal;
use conformance_engine::run::scenario::Scene;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use user_proto::v1::user_service_client::UserServiceClient;
use user_proto::v1::{
    CreateUserRequest, DeleteUserRequest, GetUserRequest, ListUsersRequest, ListUsersResponse,
    UpdateUserRequest, User,
};

/// When a call without an answer is given up; far above every limit of the contract.
const GIVE_UP: Duration = Duration::from_secs(30);

/// A call and what came of it.
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

/// A status for people: `ALREADY_EXISTS "email is taken"`.
pub fn shown(status: &Status) -> String {
    format!(
        "{} {:?}",
        crate::params::code_name(status.code()),
        status.message()
    )
}

/// A client on one connection; clones share it.
#[derive(Clone, Debug)]
pub struct Users {
    client: UserServiceClient<Channel>,
    journal: Journal,
    scene: String,
    to: String,
}

impl Users {
    /// A connection to `url`, opened at the first call.
    pub fn connect(url: &str, scene: &Scene) -> StepResult<Self> {
        let endpoint = Endpoint::from_shared(url.to_owned()).map_err(Failure::broken)?;
        let channel = endpoint.connect_lazy();
        // A page of 100 users with all the metadata that USR-5 allows stays under 4 MiB; what does
        // not is worth a clear message, so the client takes more than the usual limit.
        let client = UserServiceClient::new(channel).max_decoding_message_size(64 << 20);
        Ok(Self {
            client,
            journal: scene.journal.clone(),
            scene: scene.id.clone(),
            to: url.rsplit(':').next().unwrap_or_default().to_owned(),
        })
    }

    /// The same connection, with a request id of its own.
    #[must_use]
    pub fn with_request_id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.scene);
        self
    }

    /// Without entries in the journal, for loads whose calls would drown everything else.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.journal = Journal::new();
        self
    }

    /// CreateUser; the answer's user.
    pub async fn create(&self, request: CreateUserRequest) -> Call<User> {
        let mut client = self.client.clone();
        self.call("CreateUser", request, async |it| {
            client.create_user(it).await
        })
        .await
        .and_then("a user", |it| it.user)
    }

    /// GetUser; the answer's user.
    pub async fn get(&self, id: &str) -> Call<User> {
        let mut client = self.client.clone();
        let request = GetUserRequest { id: id.to_owned() };
        self.call("GetUser", request, async |it| client.get_user(it).await)
            .await
            .and_then("a user", |it| it.user)
    }

    /// UpdateUser; the answer's user.
    pub async fn update(&self, request: UpdateUserRequest) -> Call<User> {
        let mut client = self.client.clone();
        self.call("UpdateUser", request, async |it| {
            client.update_user(it).await
        })
        .await
        .and_then("a user", |it| it.user)
    }

    /// DeleteUser.
    pub async fn delete(&self, id: &str) -> Call<()> {
        let mut client = self.client.clone();
        let request = DeleteUserRequest { id: id.to_owned() };
        self.call("DeleteUser", request, async |it| {
            client.delete_user(it).await
        })
        .await
    }

    /// ListUsers; the whole page.
    pub async fn list(&self, request: ListUsersRequest) -> Call<ListUsersResponse> {
        let mut client = self.client.clone();
        self.call("ListUsers", request, async |it| client.list_users(it).await)
            .await
    }

    async fn call<Q, A>(
        &self,
        method: &'static str,
        message: Q,
        send: impl AsyncFnOnce(Request<Q>) -> Result<tonic::Response<A>, Status>,
    ) -> Call<A> {
        let mut request = Request::new(message);
        // What no header can carry is not sent.
        if let Ok(id) = self.scene.parse() {
            request.metadata_mut().insert("x-request-id", id);
        }
        let begun = Instant::now();
        let answer = tokio::time::timeout(GIVE_UP, send(request)).await;
        let took = begun.elapsed();
        let result = match answer {
            Ok(result) => result.map(tonic::Response::into_inner),
            // Not DEADLINE_EXCEEDED: no check may take the suite's patience for the subject's answer.
            Err(_) => Err(Status::unknown(format!(
                "the suite gave up: no answer within {} s",
                GIVE_UP.as_secs()
            ))),
        };
        let call = Call {
            method,
            result,
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
        self.journal.note(format!(
            "{} :{} {status} {} ms",
            call.method,
            self.to,
            call.took.as_millis()
        ));
    }
}

impl<T> Call<T> {
    /// Digs the interesting part out of an answer; one that lacks it is no success.
    fn and_then<U>(self, what: &str, dig: impl FnOnce(T) -> Option<U>) -> Call<U> {
        let result = self.result.and_then(|it| {
            dig(it).ok_or_else(|| Status::unknown(format!("the suite: an answer without {what}")))
        });
        Call {
            method: self.method,
            result,
            took: self.took,
        }
    }
}
