//! HLT-9: calls and health checks that depend on each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use gateway::dependencies::Dependencies;
use gateway::request_context::RequestContext;
use platform::health::{Check, Unwell};
use tonic::Status;

use super::replaced;
use crate::entry::Entry;
use crate::upstream::{Around, Try, add_layer};

pub fn entries() -> Vec<Entry> {
    vec![replaced(
        "gateway-health-of-calls",
        "HLT-9",
        "it is unhealthy after a call that failed",
        |dependencies| {
            let failed = Arc::new(AtomicBool::new(false));
            add_layer(dependencies, Observed(failed.clone()));
            let inner = dependencies.components[0].check.clone();
            check(dependencies, Arc::new(AfterCalls { inner, failed }));
        },
    )]
}

/// No call is made while the component is unhealthy.
pub fn calls_follow_health(dependencies: &mut Dependencies) {
    let unhealthy = Arc::new(AtomicBool::new(false));
    let inner = dependencies.components[0].check.clone();
    check(
        dependencies,
        Arc::new(Recorded {
            inner,
            unhealthy: unhealthy.clone(),
        }),
    );
    add_layer(dependencies, Heeding(unhealthy));
}

fn check(dependencies: &mut Dependencies, check: Arc<dyn Check>) {
    dependencies.components[0].check = check;
}

/// Records whether the last call failed.
struct Observed(Arc<AtomicBool>);

#[async_trait]
impl Around for Observed {
    async fn make<T: Send>(&self, context: &RequestContext, send: Try<'_, T>) -> Result<T, Status> {
        let answer = send(context.clone()).await;
        self.0.store(answer.is_err(), Ordering::Relaxed);
        answer
    }
}

/// Fails after a call that failed.
struct AfterCalls {
    inner: Arc<dyn Check>,
    failed: Arc<AtomicBool>,
}

#[async_trait]
impl Check for AfterCalls {
    async fn check(&self) -> Result<(), Unwell> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(Unwell("a call failed"));
        }
        self.inner.check().await
    }
}

/// Records the result of the newest check.
struct Recorded {
    inner: Arc<dyn Check>,
    unhealthy: Arc<AtomicBool>,
}

#[async_trait]
impl Check for Recorded {
    async fn check(&self) -> Result<(), Unwell> {
        let answer = self.inner.check().await;
        self.unhealthy.store(answer.is_err(), Ordering::Relaxed);
        answer
    }
}

/// Makes no call while the newest check fails.
struct Heeding(Arc<AtomicBool>);

#[async_trait]
impl Around for Heeding {
    async fn make<T: Send>(&self, context: &RequestContext, send: Try<'_, T>) -> Result<T, Status> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Status::unavailable("the user service is unhealthy"));
        }
        send(context.clone()).await
    }
}
