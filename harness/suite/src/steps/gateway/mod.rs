//! The gateway over HTTP, and what it makes of its user service.
//!
//! - [`asking`]: requests and what must come back
//! - [`calls`]: which calls reach the user service
//! - [`breaker`]: failures in a row, and what the breaker makes of them
//! - [`bodies`]: bodies that no client library would send
//! - [`connections`]: connections to the user service that break, fall silent and come back
//! - [`errors`]: errors of the user service
//! - [`in_flight`]: creates whose answers are kept back, or whose clients go away
//! - [`ids`]: request ids
//! - [`showing`]: users and lists as JSON
//! - [`described`]: the OpenAPI description
//! - [`timing`]: when answers come, and how often a call is tried
//! - [`upstream`]: what the user service does

pub mod asking;
pub mod bodies;
pub mod breaker;
pub mod calls;
pub mod connections;
pub mod described;
pub mod errors;
pub mod ids;
pub mod in_flight;
pub mod showing;
pub mod timing;
pub mod upstream;

use bytes::Bytes;
use conformance_engine::failure::{Failure, StepResult};
use user_proto::v1::ListUsersResponse;

use crate::checks::gateway_answer;
use crate::checks::openapi::Description;
use crate::drivers::gateway::{Answer, Gateway, whole};
use crate::drivers::innermost;
use crate::world::World;

/// What the gateway's steps of one scenario remember.
#[derive(Debug, Default)]
pub struct Notes {
    /// The client of the first instance.
    client: Option<Gateway>,
    /// Requests of the newest action, and what came of them.
    exchanges: Vec<Exchange>,
    /// What the user service was told to answer.
    answers: ListUsersResponse,
    /// The description, once it was read.
    description: Option<Description>,
    /// How many calls the user service had before the newest action.
    calls_before: usize,
    /// From when on nobody has asked anything.
    idle_since: Option<std::time::Instant>,
    /// What the breaker's steps remember.
    breaker: breaker::Notes,
    /// Requests whose answers are kept back.
    in_flight: in_flight::InFlight,
}

/// A request as it goes on the wire.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET`.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// None sends no body.
    pub body: Option<Bytes>,
    /// `x-request-id`, if it is to be sent.
    pub id: Option<String>,
}

impl Asked {
    /// `GET /api/v1/users?x=y`.
    fn parse(text: &str) -> StepResult<Self> {
        let (method, path) = text
            .split_once(' ')
            .ok_or_else(|| Failure::broken(format!("{text:?} is no method and path")))?;
        Ok(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            body: None,
            id: None,
        })
    }

    fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// The same with a body, unless the cell of a table is empty.
    fn with_cell(self, body: &str) -> Self {
        if body.is_empty() {
            self
        } else {
            self.with_body(body.to_owned())
        }
    }

    /// The route that it is meant for, its id as `{}`; none for what is no route of the contract.
    fn route(&self) -> Option<&'static str> {
        let path = self.path.split('?').next().unwrap_or_default();
        let rest = path.strip_prefix("/api/v1/users")?;
        match rest.strip_prefix('/') {
            None if rest.is_empty() => Some("/api/v1/users"),
            Some(id) if !id.is_empty() && !id.contains('/') => Some("/api/v1/users/{}"),
            _ => None,
        }
    }
}

/// A request and what came of it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What was sent.
    pub asked: Asked,
    /// What came back, or how the connection failed.
    pub answer: Result<Answer, String>,
}

impl Exchange {
    /// For people.
    fn told(&self) -> String {
        let shown = match &self.answer {
            Ok(answer) => answer.shown(),
            Err(error) => format!("no answer: {error}"),
        };
        let cut: String = self.asked.path.chars().take(80).collect();
        format!("{} {cut}: {shown}", self.asked.method)
    }

    /// The answer, or that there is none.
    fn answer(&self) -> Result<&Answer, String> {
        self.answer.as_ref().map_err(|_| self.told())
    }

    /// What is wrong with the answer, whatever was asked (GWY-1, GWY-5, GWY-7).
    fn fault(&self) -> Option<String> {
        let answer = match self.answer() {
            Ok(answer) => answer,
            Err(told) => return Some(told),
        };
        let sent = self.asked.id.as_deref().unwrap_or_default();
        let said = gateway_answer::request_id(answer, sent).and_then(|()| {
            // An answer to HEAD has no body, and what 204 says needs none.
            if self.asked.method == "HEAD" || answer.status < 400 {
                return Ok(());
            }
            gateway_answer::error(answer).map(|_| ())
        });
        said.err().map(|it| format!("{}: {it}", self.told()))
    }

    /// That the answer has this status, and nothing is wrong with it otherwise.
    fn is(&self, status: u16) -> Result<&Answer, String> {
        let answer = self.answer()?;
        match self.fault() {
            Some(fault) => Err(fault),
            None if answer.status != status => Err(format!("{} instead of {status}", self.told())),
            None => Ok(answer),
        }
    }

    /// That it is an error with this message.
    fn is_error(&self, status: u16, message: &str) -> Result<(), String> {
        let told = gateway_answer::error(self.is(status)?)?;
        if told == message {
            Ok(())
        } else {
            Err(format!("{}: the error is not {message:?}", self.told()))
        }
    }
}

impl World {
    /// The client of the first instance.
    async fn gateway(&mut self) -> StepResult<Gateway> {
        if let Some(client) = &self.gateway.client {
            return Ok(client.clone());
        }
        let url = self.deployment().await?.slot(0)?.http_url("");
        let client = Gateway::connect(&url);
        self.gateway.client = Some(client.clone());
        Ok(client)
    }

    /// Sends a request and tells the journal; the request id of the scenario unless it has its own.
    async fn ask(&mut self, mut asked: Asked) -> StepResult<Exchange> {
        asked.id.get_or_insert_with(|| self.scene.id.clone());
        self.send(asked).await
    }

    /// Sends a request with nothing that it does not say, and tells the journal.
    async fn send(&mut self, asked: Asked) -> StepResult<Exchange> {
        let client = self.gateway().await?;
        let exchange = exchange(&client, asked).await?;
        self.scene.journal.note(exchange.told());
        Ok(exchange)
    }

    /// Forgets the exchanges of the action before.
    async fn begin_asking(&mut self) -> StepResult {
        self.gateway.exchanges.clear();
        let deployment = self.deployment().await?;
        let calls = deployment.double().map_or(0, |it| it.calls().len());
        self.gateway.calls_before = calls;
        Ok(())
    }

    /// The newest exchange.
    fn newest(&self) -> StepResult<&Exchange> {
        let newest = self.gateway.exchanges.last();
        newest.ok_or_else(|| Failure::broken("the scenario has asked nothing"))
    }
}

/// Sends a request, whatever comes of it.
async fn exchange(client: &Gateway, asked: Asked) -> StepResult<Exchange> {
    let mut request = client.request(&asked.method, &asked.path);
    if let Some(id) = &asked.id {
        request = request.header("x-request-id", id.as_bytes());
    }
    if asked.body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let request = whole(request, asked.body.clone().unwrap_or_default())?;
    let answer = client.send(request).await;
    Ok(Exchange {
        asked,
        answer: answer.map_err(|it| innermost(it.as_ref())),
    })
}
