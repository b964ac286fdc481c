//! RES-5, RES-6: connections to the user service.

use std::error::Error as _;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use gateway::request_context::RequestContext;
use tonic::{Code, Status};

use super::gateway_mutant;
use crate::call_interceptor::{Attempt, CallInterceptor, intercept_calls};
use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    vec![
        gateway_mutant(
            "gateway-connects-once",
            "RES-5",
            "after a broken connection all calls fail",
            |it| intercept_calls(it, NeverReconnects::default()),
        ),
        gateway_mutant(
            "gateway-dies-of-unusual-answers",
            "RES-5",
            "INTERNAL or UNKNOWN from the user service crashes the program",
            |it| intercept_calls(it, AbortsOnError),
        ),
        gateway_mutant(
            "gateway-never-forgives",
            "RES-5",
            "after three failed calls all calls fail",
            |it| intercept_calls(it, FailsAfterThree::default()),
        ),
    ]
}

/// Fails all calls after one whose connection broke.
#[derive(Default)]
struct NeverReconnects(AtomicBool);

#[async_trait]
impl CallInterceptor for NeverReconnects {
    async fn call<T: Send>(
        &self,
        context: &RequestContext,
        send: Attempt<'_, T>,
    ) -> Result<T, Status> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Status::unavailable("the connection is gone"));
        }
        let response = send(context.clone()).await;
        let broke = response.as_ref().is_err_and(|it| it.source().is_some());
        self.0.store(broke, Ordering::Relaxed);
        response
    }
}

/// Aborts the process on INTERNAL or UNKNOWN from the user service.
struct AbortsOnError;

#[async_trait]
impl CallInterceptor for AbortsOnError {
    async fn call<T: Send>(
        &self,
        context: &RequestContext,
        send: Attempt<'_, T>,
    ) -> Result<T, Status> {
        let response = send(context.clone()).await;
        let unexpected = |it: &Status| matches!(it.code(), Code::Internal | Code::Unknown);
        if response.as_ref().is_err_and(unexpected) {
            std::process::abort();
        }
        response
    }
}

/// Fails all calls after three failed calls.
#[derive(Default)]
struct FailsAfterThree(std::sync::atomic::AtomicU32);

#[async_trait]
impl CallInterceptor for FailsAfterThree {
    async fn call<T: Send>(
        &self,
        context: &RequestContext,
        send: Attempt<'_, T>,
    ) -> Result<T, Status> {
        if self.0.load(Ordering::Relaxed) >= 3 {
            return Err(Status::unavailable("too many calls failed"));
        }
        // Counted before it is sent: a call that times out never returns.
        self.0.fetch_add(1, Ordering::Relaxed);
        let response = send(context.clone()).await;
        if response.is_ok() {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
        response
    }
}
