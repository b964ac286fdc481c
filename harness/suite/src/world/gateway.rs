//! What the steps about the gateway have recorded in one scenario.

use std::time::Instant;

use bytes::Bytes;
use conformance_engine::failure::{Failure, StepResult};
use tokio::task::JoinHandle;
use user_proto::v1::ListUsersResponse;

use crate::checks::gateway_answer;
use crate::checks::http_answer::HttpAnswer;
use crate::checks::openapi::ApiDescription;
use crate::doubles::user_service::answer::Gate;
use crate::drivers::gateway::Gateway;

/// What the steps about the gateway have recorded.
#[derive(Debug, Default)]
pub struct GatewayRecord {
    /// The client of the first instance.
    pub client: Option<Gateway>,
    /// The requests of the newest action with their answers.
    pub exchanges: Vec<Exchange>,
    /// The answer scripted for the user service.
    pub answers: ListUsersResponse,
    /// The description, once it was read.
    pub description: Option<ApiDescription>,
    /// How many calls the user service had before the newest action.
    pub calls_before: usize,
    /// Since when no request was sent.
    pub idle_since: Option<Instant>,
    /// When the newest failure was answered.
    pub failed: Option<Instant>,
    /// Requests whose answers are held back.
    pub in_flight: InFlight,
}

/// A request as it goes on the wire.
#[derive(Clone, Debug)]
pub struct SentRequest {
    /// `GET`.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// None sends no body.
    pub body: Option<Bytes>,
    /// `x-request-id`, if it is to be sent.
    pub id: Option<String>,
    /// Headers in addition to the request's id; a `content-type` replaces that of JSON.
    pub headers: Vec<(String, String)>,
}

impl SentRequest {
    /// `GET /api/v1/users?x=y`.
    pub fn parse(text: &str) -> StepResult<Self> {
        let (method, path) = text
            .split_once(' ')
            .ok_or_else(|| Failure::broken(format!("{text:?} is no method and path")))?;
        Ok(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            body: None,
            id: None,
            headers: Vec::new(),
        })
    }

    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// The same with the body of a table's cell: without one, `(empty)`, or as it stands there.
    pub fn with_cell(self, body: &str) -> Self {
        match body {
            "" => self,
            "(empty)" => self.with_body(Bytes::new()),
            body => self.with_body(body.to_owned()),
        }
    }

    /// The route that it is meant for, its id as `{}`; none for what is no route of the contract.
    pub fn route(&self) -> Option<&'static str> {
        let path = self.path.split('?').next().unwrap_or_default();
        let rest = path.strip_prefix("/api/v1/users")?;
        match rest.strip_prefix('/') {
            None if rest.is_empty() => Some("/api/v1/users"),
            Some(id) if !id.is_empty() && !id.contains('/') => Some("/api/v1/users/{}"),
            _ => None,
        }
    }
}

/// A request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What was sent.
    pub request: SentRequest,
    /// The answer, or how the connection failed.
    pub answer: Result<HttpAnswer, String>,
}

impl Exchange {
    /// Request line and answer, for messages.
    pub fn summary(&self) -> String {
        let shown = match &self.answer {
            Ok(answer) => answer.shown(),
            Err(error) => format!("no answer: {error}"),
        };
        let cut: String = self.request.path.chars().take(80).collect();
        format!("{} {cut}: {shown}", self.request.method)
    }

    /// The answer, or that there is none.
    pub fn answer(&self) -> Result<&HttpAnswer, String> {
        self.answer.as_ref().map_err(|_| self.summary())
    }

    /// What is wrong with the answer to any request (GWY-1, GWY-5, GWY-7).
    pub fn fault(&self) -> Option<String> {
        let answer = match self.answer() {
            Ok(answer) => answer,
            Err(message) => return Some(message),
        };
        let sent = self.request.id.as_deref().unwrap_or_default();
        let checked = gateway_answer::request_id(answer, sent).and_then(|()| {
            // An answer to HEAD has no body, and what 204 says needs none.
            if self.request.method == "HEAD" || answer.status < 400 {
                return Ok(());
            }
            gateway_answer::error(answer).map(|_| ())
        });
        checked.err().map(|it| format!("{}: {it}", self.summary()))
    }

    /// That the answer has this status, and nothing is wrong with it otherwise.
    pub fn is(&self, status: u16) -> Result<&HttpAnswer, String> {
        let answer = self.answer()?;
        match self.fault() {
            Some(fault) => Err(fault),
            None if answer.status != status => {
                Err(format!("{} instead of {status}", self.summary()))
            }
            None => Ok(answer),
        }
    }

    /// That it is an error with this message.
    pub fn is_error(&self, status: u16, message: &str) -> Result<(), String> {
        let found = gateway_answer::error(self.is(status)?)?;
        if found == message {
            Ok(())
        } else {
            Err(format!("{}: the error is not {message:?}", self.summary()))
        }
    }
}

/// Requests whose answers are held back.
#[derive(Debug, Default)]
pub struct InFlight {
    /// Holds the answers back.
    pub gate: Option<Gate>,
    /// The requests, each with its answer.
    pub tasks: Vec<JoinHandle<StepResult<Exchange>>>,
    /// When the newest abandoned call ended, if that was not because its client left.
    pub outlived_its_client: Option<Instant>,
    /// Those from before the breaker opened, while a trial is in flight.
    pub older: Option<Box<InFlight>>,
}

impl InFlight {
    /// Whether no request waits for its answer.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Takes the requests that are answered by now; the others stay in flight.
    pub async fn take_answered(&mut self) -> StepResult<Vec<Exchange>> {
        let tasks = std::mem::take(&mut self.tasks).into_iter();
        let (answered, waiting): (Vec<_>, Vec<_>) = tasks.partition(JoinHandle::is_finished);
        self.tasks = waiting;
        let mut exchanges = Vec::new();
        for task in answered {
            exchanges.push(task.await.map_err(Failure::broken)??);
        }
        Ok(exchanges)
    }

    /// Opens the gate and waits for the answers that were held back.
    pub async fn release_and_collect(&mut self) -> StepResult<Vec<Exchange>> {
        if let Some(gate) = self.gate.take() {
            gate.open();
        }
        let mut exchanges = Vec::new();
        for task in std::mem::take(&mut self.tasks) {
            exchanges.push(task.await.map_err(Failure::broken)??);
        }
        Ok(exchanges)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
