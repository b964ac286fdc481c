//! RES-5, RES-6: connections to the user service.

use std::error::Error as _;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use gateway::request_context::RequestContext;
use tonic::{Code, Status};

use super::replaced;
use crate::entry::Entry;
use crate::upstream::{Around, Try, add_layer};

pub fn entries() -> Vec<Entry> {
    vec![
        replaced(
            "gateway-connects-once",
            "RES-5",
            "after a broken connection it never makes a new one",
            |it| add_layer(it, Once::default()),
        ),
        replaced(
            "gateway-dies-of-odd-answers",
            "RES-5",
            "it ends at an answer that makes no sense",
            |it| add_layer(it, Dies),
        ),
        replaced(
            "gateway-never-forgives",
            "RES-5",
            "after three failures it makes no call any more",
            |it| add_layer(it, Grudge::default()),
        ),
    ]
}

/// Makes no call after one whose connection broke.
#[derive(Default)]
struct Once(AtomicBool);

#[async_trait]
impl Around for Once {
    async fn make<T: Send>(&self, context: &RequestContext, send: Try<'_, T>) -> Result<T, Status> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Status::unavailable("the connection is gone"));
        }
        let answer = send(context.clone()).await;
        let broke = answer.as_ref().is_err_and(|it| it.source().is_some());
        self.0.store(broke, Ordering::Relaxed);
        answer
    }
}

/// Ends the program at what no server should answer.
struct Dies;

#[async_trait]
impl Around for Dies {
    async fn make<T: Send>(&self, context: &RequestContext, send: Try<'_, T>) -> Result<T, Status> {
        let answer = send(context.clone()).await;
        let unexpected = |it: &Status| matches!(it.code(), Code::Internal | Code::Unknown);
        if answer.as_ref().is_err_and(unexpected) {
            std::process::abort();
        }
        answer
    }
}

/// Makes no call after three failures of any kind.
#[derive(Default)]
struct Grudge(std::sync::atomic::AtomicU32);

#[async_trait]
impl Around for Grudge {
    async fn make<T: Send>(&self, context: &RequestContext, send: Try<'_, T>) -> Result<T, Status> {
        if self.0.load(Ordering::Relaxed) >= 3 {
            return Err(Status::unavailable("it has failed too often"));
        }
        let answer = send(context.clone()).await;
        if answer.is_err() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}
