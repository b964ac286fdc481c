//! GRP-1: the gRPC health service.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::body::Bytes;
use platform::health::{Check, CheckFailed};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use user_service::dependencies::Dependencies;

use super::check_within_limit;
use crate::entries::config::stop::serve_until_timeout;
use crate::entries::{main_mutant, user_service_mutant};
use crate::mutant::Mutant;
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    vec![
        user_service_mutant(
            "grpc-health-static",
            "GRP-1",
            "Check always returns SERVING",
            |_, dependencies| {
                change_check_responses(dependencies, |response| response.status = SERVING);
            },
        ),
        user_service_mutant(
            "grpc-health-never",
            "GRP-1",
            "Check always returns NOT_SERVING",
            |_, dependencies| {
                change_check_responses(dependencies, |response| response.status = NOT_SERVING);
            },
        ),
        user_service_mutant(
            "grpc-health-any-name",
            "GRP-1",
            "Check accepts every service name",
            |_, dependencies| {
                wire::change_requests::<HealthCheckRequest>(dependencies, "/Check", |request| {
                    request.service.clear();
                });
            },
        ),
        user_service_mutant(
            "grpc-health-no-service",
            "GRP-1",
            "Check accepts only the empty service name",
            |_, dependencies| {
                wire::change_requests::<HealthCheckRequest>(dependencies, "/Check", |request| {
                    if !request.service.is_empty() {
                        request.service = "unknown".to_owned();
                    }
                });
            },
        ),
        user_service_mutant(
            "grpc-health-falls-forever",
            "GRP-1",
            "after one failure Check always returns NOT_SERVING",
            |_, dependencies| {
                dependencies.components[0].check = Arc::new(RecordsFailure {
                    inner: dependencies.components[0].check.clone(),
                });
                change_check_responses(dependencies, |response| {
                    if HAS_FAILED.load(Ordering::Relaxed) {
                        response.status = NOT_SERVING;
                    }
                });
            },
        ),
        main_mutant(
            "grpc-health-serves-on",
            "GRP-1",
            "Check returns SERVING after a shutdown signal",
            serve_until_timeout,
        ),
        user_service_mutant(
            "watch-one-status",
            "GRP-1",
            "Watch sends only SERVING",
            |_, dependencies| {
                wire::change_stream(dependencies, "/Watch", |_, _| {
                    Bytes::from_static(&[0, 0, 0, 0, 2, 8, 1])
                });
            },
        ),
        user_service_mutant(
            "watch-first-alone",
            "GRP-1",
            "Watch sends only the first status",
            |_, dependencies| {
                wire::change_stream(dependencies, "/Watch", |number, data| {
                    if number == 1 { data } else { Bytes::new() }
                });
            },
        ),
        user_service_mutant(
            "watch-changes-alone",
            "GRP-1",
            "Watch does not send the current status",
            |_, dependencies| {
                wire::change_stream(dependencies, "/Watch", |number, data| {
                    if number == 1 { Bytes::new() } else { data }
                });
            },
        ),
    ]
}

/// Changes every response of `Check`.
fn change_check_responses(dependencies: &mut Dependencies, change: fn(&mut HealthCheckResponse)) {
    wire::change_responses(dependencies, "/Check", change);
}

/// The serving status `SERVING` of `grpc.health.v1`.
const SERVING: i32 = 1;

/// The serving status `NOT_SERVING` of `grpc.health.v1`.
const NOT_SERVING: i32 = 2;

/// Whether any check of the database has failed.
static HAS_FAILED: AtomicBool = AtomicBool::new(false);

/// A check that records its first failure.
struct RecordsFailure {
    inner: Arc<dyn Check>,
}

#[async_trait]
impl Check for RecordsFailure {
    async fn check(&self) -> Result<(), CheckFailed> {
        let checked = check_within_limit(self.inner.as_ref()).await;
        HAS_FAILED.fetch_or(checked.is_err(), Ordering::Relaxed);
        checked
    }
}
