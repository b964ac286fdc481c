//! HLT-9, RES-3: calls that depend on health checks, and health checks that depend on calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use gateway::dependencies::Dependencies;
use gateway::request_context::RequestContext;
use platform::health::{Check, CheckFailed};
use tonic::Status;

use super::gateway_mutant;
use crate::call_interceptor::{Attempt, CallInterceptor, intercept_calls};
use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    vec![gateway_mutant(
        "gateway-health-of-calls",
        "HLT-9",
        "the gateway is unhealthy after a failed call",
        |dependencies| {
            let failed = Arc::new(AtomicBool::new(false));
            intercept_calls(dependencies, RecordsFailedCall(failed.clone()));
            let inner = dependencies.components[0].check.clone();
            set_check(
                dependencies,
                Arc::new(UnhealthyAfterFailedCall { inner, failed }),
            );
        },
    )]
}

/// Refuses calls while the check of the user service fails.
pub fn refuse_calls_while_unhealthy(dependencies: &mut Dependencies) {
    let unhealthy = Arc::new(AtomicBool::new(false));
    let inner = dependencies.components[0].check.clone();
    set_check(
        dependencies,
        Arc::new(RecordsHealth {
            inner,
            unhealthy: unhealthy.clone(),
        }),
    );
    intercept_calls(dependencies, RefusesWhileUnhealthy(unhealthy));
}

/// Replaces the check of the user service.
fn set_check(dependencies: &mut Dependencies, check: Arc<dyn Check>) {
    dependencies.components[0].check = check;
}

/// Records whether the last call failed.
struct RecordsFailedCall(Arc<AtomicBool>);

#[async_trait]
impl CallInterceptor for RecordsFailedCall {
    async fn call<T: Send>(
        &self,
        context: &RequestContext,
        send: Attempt<'_, T>,
    ) -> Result<T, Status> {
        let response = send(context.clone()).await;
        self.0.store(response.is_err(), Ordering::Relaxed);
        response
    }
}

/// A check that fails while the last call failed.
struct UnhealthyAfterFailedCall {
    inner: Arc<dyn Check>,
    failed: Arc<AtomicBool>,
}

#[async_trait]
impl Check for UnhealthyAfterFailedCall {
    async fn check(&self) -> Result<(), CheckFailed> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(CheckFailed("a call failed"));
        }
        self.inner.check().await
    }
}

/// A check that records its last result.
struct RecordsHealth {
    inner: Arc<dyn Check>,
    unhealthy: Arc<AtomicBool>,
}

#[async_trait]
impl Check for RecordsHealth {
    async fn check(&self) -> Result<(), CheckFailed> {
        let response = self.inner.check().await;
        self.unhealthy.store(response.is_err(), Ordering::Relaxed);
        response
    }
}

/// Refuses calls while the last check failed.
struct RefusesWhileUnhealthy(Arc<AtomicBool>);

#[async_trait]
impl CallInterceptor for RefusesWhileUnhealthy {
    async fn call<T: Send>(
        &self,
        context: &RequestContext,
        send: Attempt<'_, T>,
    ) -> Result<T, Status> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Status::unavailable("the user service is unhealthy"));
        }
        send(context.clone()).await
    }
}
