//! The gateway over HTTP, with its user service.
//!
//! - [`requests`]: requests and their answers
//! - [`calls`]: calls that reach the user service
//! - [`breaker`]: the breaker
//! - [`bodies`]: malformed bodies
//! - [`connections`]: connections to the user service that break or stop responding
//! - [`errors`]: errors of the user service
//! - [`given_up`]: many requests that are abandoned or time out
//! - [`in_flight`]: creates whose answers are held back, or whose clients cancel
//! - [`request_ids`]: request ids
//! - [`json_view`]: users and lists as JSON
//! - [`openapi`]: the OpenAPI description
//! - [`timing`]: times of answers, and retries
//! - [`upstream`]: scripts of the user service

pub mod bodies;
pub mod breaker;
pub mod calls;
pub mod connections;
pub mod errors;
pub mod given_up;
pub mod in_flight;
pub mod json_view;
pub mod openapi;
pub mod request_ids;
pub mod requests;
pub mod timing;
pub mod upstream;

use conformance_engine::failure::{Failure, StepResult};

use crate::drivers::gateway::{Gateway, whole};
use crate::drivers::innermost;
use crate::world::World;
use crate::world::gateway::{Exchange, SentRequest};

impl World {
    /// The client of the first instance.
    pub(in crate::steps) async fn gateway(&mut self) -> StepResult<Gateway> {
        if let Some(client) = &self.gateway.client {
            return Ok(client.clone());
        }
        let url = self.deployment().await?.slot(0)?.http_url("");
        let client = Gateway::connect(&url);
        self.gateway.client = Some(client.clone());
        Ok(client)
    }

    /// Sends a request with the request id of the scenario unless it has its own; records it in the journal.
    async fn request(&mut self, mut request: SentRequest) -> StepResult<Exchange> {
        request.id.get_or_insert_with(|| self.scenario.id.clone());
        self.send(request).await
    }

    /// Sends a request exactly as it is; records it in the journal.
    pub(in crate::steps) async fn send(&mut self, request: SentRequest) -> StepResult<Exchange> {
        let client = self.gateway().await?;
        let exchange = exchange(&client, request).await?;
        self.scenario.journal.note(exchange.summary());
        Ok(exchange)
    }

    /// Clears the exchanges of the previous action.
    pub(in crate::steps) async fn begin_requests(&mut self) -> StepResult {
        self.gateway.exchanges.clear();
        let deployment = self.deployment().await?;
        let calls = deployment.double().map_or(0, |it| it.calls().len());
        self.gateway.calls_before = calls;
        Ok(())
    }

    /// The newest exchange.
    fn newest(&self) -> StepResult<&Exchange> {
        let newest = self.gateway.exchanges.last();
        newest.ok_or_else(|| Failure::broken("the scenario has sent no request"))
    }
}

/// Sends a request; any outcome is recorded.
pub(in crate::steps) async fn exchange(
    client: &Gateway,
    sent: SentRequest,
) -> StepResult<Exchange> {
    let mut request = client.request(&sent.method, &sent.path);
    if let Some(id) = &sent.id {
        request = request.header("x-request-id", id.as_bytes());
    }
    // Some frameworks answer a body without a Content-Type with 415, an empty one too.
    let has_type = sent.headers.iter().any(|(name, _)| name == "content-type");
    if sent.body.is_some() && !has_type {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in &sent.headers {
        request = request.header(name, value);
    }
    let request = whole(request, sent.body.clone().unwrap_or_default())?;
    let answer = client.send(request).await;
    Ok(Exchange {
        request: sent,
        answer: answer.map_err(|it| innermost(it.as_ref())),
    })
}
