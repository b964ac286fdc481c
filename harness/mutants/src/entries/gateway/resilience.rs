//! RES-1, RES-2: timeouts and retries.

use std::error::Error as _;

use async_trait::async_trait;
use gateway::request_context::RequestContext;
use tonic::Status;

use super::{environment_mutant, gateway_mutant};
use crate::call_interceptor::{Attempt, CallInterceptor, intercept_calls};
use crate::entries::set_variable;
use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    let mut all = timeouts();
    all.extend(retries());
    all.extend(delays());
    all
}

fn timeouts() -> Vec<Mutant> {
    vec![
        environment_mutant(
            "gateway-waits-for-ever",
            "RES-1",
            "REQUEST_TIMEOUT is ignored: it is always an hour",
            |it| set_variable(it, "REQUEST_TIMEOUT", "1h"),
        ),
        environment_mutant(
            "gateway-is-impatient",
            "RES-1",
            "REQUEST_TIMEOUT is ignored: it is always 1 s",
            |it| set_variable(it, "REQUEST_TIMEOUT", "1s"),
        ),
        environment_mutant(
            "gateway-time-out-is-short",
            "RES-1",
            "REQUEST_TIMEOUT is ignored: it is always 100 ms",
            |it| set_variable(it, "REQUEST_TIMEOUT", "100ms"),
        ),
    ]
}

fn retries() -> Vec<Mutant> {
    vec![
        gateway_mutant(
            "gateway-repeats-broken-calls",
            "RES-2",
            "every call is retried after a broken connection, writes too",
            |it| intercept_calls(it, RetriesBrokenCalls),
        ),
        gateway_mutant(
            "gateway-ignores-outages",
            "RES-2",
            "a GET is not retried after a failed connection",
            |it| intercept_calls(it, ConnectionErrorIsInternal),
        ),
    ]
}

fn delays() -> Vec<Mutant> {
    vec![environment_mutant(
        "gateway-own-base-delay",
        "RES-2",
        "RETRY_BASE_DELAY is ignored: it is always 10 ms",
        |it| set_variable(it, "RETRY_BASE_DELAY", "10ms"),
    )]
}

/// Retries a call once if its connection broke.
struct RetriesBrokenCalls;

#[async_trait]
impl CallInterceptor for RetriesBrokenCalls {
    async fn call<T: Send>(
        &self,
        context: &RequestContext,
        send: Attempt<'_, T>,
    ) -> Result<T, Status> {
        match send(context.clone()).await {
            Err(status) if status.source().is_some() => send(context.clone()).await,
            response => response,
        }
    }
}

/// Reports a failed connection as INTERNAL, which is not retried.
struct ConnectionErrorIsInternal;

#[async_trait]
impl CallInterceptor for ConnectionErrorIsInternal {
    async fn call<T: Send>(
        &self,
        context: &RequestContext,
        send: Attempt<'_, T>,
    ) -> Result<T, Status> {
        match send(context.clone()).await {
            Err(status) if status.source().is_some() => Err(Status::internal("cannot connect")),
            response => response,
        }
    }
}
