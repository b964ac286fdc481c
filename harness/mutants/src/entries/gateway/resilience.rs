//! RES-1, RES-2: timeouts and retries.

use std::error::Error as _;

use async_trait::async_trait;
use gateway::request_context::RequestContext;
use tonic::Status;

use super::{environment, replaced};
use crate::entries::set;
use crate::entry::Entry;
use crate::upstream::{Around, Try, add_layer};

pub fn entries() -> Vec<Entry> {
    let mut all = timeouts();
    all.extend(tries());
    all.extend(pauses());
    all
}

fn timeouts() -> Vec<Entry> {
    vec![
        environment(
            "gateway-waits-for-ever",
            "RES-1",
            "REQUEST_TIMEOUT is not kept",
            |it| set(it, "REQUEST_TIMEOUT", "1h"),
        ),
        environment(
            "gateway-is-impatient",
            "RES-1",
            "a request is given up after a second, and REQUEST_TIMEOUT is ignored",
            |it| set(it, "REQUEST_TIMEOUT", "1s"),
        ),
        environment(
            "gateway-time-out-is-short",
            "RES-1",
            "a request is given up long before its time",
            |it| set(it, "REQUEST_TIMEOUT", "100ms"),
        ),
    ]
}

fn tries() -> Vec<Entry> {
    vec![
        replaced(
            "gateway-repeats-broken-calls",
            "RES-2",
            "every call whose connection broke is made again, a write too",
            |it| add_layer(it, AfterBreaks),
        ),
        replaced(
            "gateway-knows-no-outage",
            "RES-2",
            "a GET whose connection failed is not repeated",
            |it| add_layer(it, FailsAtOnce),
        ),
    ]
}

fn pauses() -> Vec<Entry> {
    vec![environment(
        "gateway-own-base-delay",
        "RES-2",
        "RETRY_BASE_DELAY is not kept",
        |it| set(it, "RETRY_BASE_DELAY", "10ms"),
    )]
}

/// Makes a call again if its connection broke.
struct AfterBreaks;

#[async_trait]
impl Around for AfterBreaks {
    async fn make<T: Send>(&self, context: &RequestContext, send: Try<'_, T>) -> Result<T, Status> {
        match send(context.clone()).await {
            Err(status) if status.source().is_some() => send(context.clone()).await,
            answer => answer,
        }
    }
}

/// Reports a failed connection as INTERNAL.
struct FailsAtOnce;

#[async_trait]
impl Around for FailsAtOnce {
    async fn make<T: Send>(&self, context: &RequestContext, send: Try<'_, T>) -> Result<T, Status> {
        match send(context.clone()).await {
            Err(status) if status.source().is_some() => Err(Status::internal("cannot connect")),
            answer => answer,
        }
    }
}
