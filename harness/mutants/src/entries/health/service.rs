//! GRP-1: health over gRPC.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::body::Bytes;
use platform::health::{Check, Unwell};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use user_service::dependencies::Dependencies;

use super::limited;
use crate::entries::config::stop::serve_on;
use crate::entries::{life, parts};
use crate::entry::Entry;
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "grpc-health-static",
            "GRP-1",
            "Check answers SERVING always",
            |_, it| check(it, |it| it.status = SERVING),
        ),
        parts(
            "grpc-health-never",
            "GRP-1",
            "Check answers NOT_SERVING always",
            |_, it| check(it, |it| it.status = NOT_SERVING),
        ),
        parts(
            "grpc-health-any-name",
            "GRP-1",
            "Check accepts every service name",
            |_, dependencies| {
                wire::requests::<HealthCheckRequest>(dependencies, "/Check", |it| {
                    it.service.clear()
                });
            },
        ),
        parts(
            "grpc-health-no-service",
            "GRP-1",
            "Check accepts only the empty service name",
            |_, dependencies| {
                wire::requests::<HealthCheckRequest>(dependencies, "/Check", |request| {
                    if !request.service.is_empty() {
                        request.service = "unknown".to_owned();
                    }
                });
            },
        ),
        parts(
            "grpc-health-falls-for-good",
            "GRP-1",
            "Check never answers SERVING again",
            |_, dependencies| {
                dependencies.components[0].check = Arc::new(Fallen {
                    inner: dependencies.components[0].check.clone(),
                });
                check(dependencies, |answer| {
                    if FELL.load(Ordering::Relaxed) {
                        answer.status = NOT_SERVING;
                    }
                });
            },
        ),
        life(
            "grpc-health-serves-on",
            "GRP-1",
            "Check answers SERVING after the signal",
            serve_on,
        ),
        parts(
            "watch-one-status",
            "GRP-1",
            "Watch sends only SERVING",
            |_, dependencies| {
                wire::stream(dependencies, "/Watch", |_, _| {
                    Bytes::from_static(&[0, 0, 0, 0, 2, 8, 1])
                });
            },
        ),
        parts(
            "watch-first-alone",
            "GRP-1",
            "Watch sends only the first status",
            |_, dependencies| {
                wire::stream(dependencies, "/Watch", |number, data| {
                    if number == 1 { data } else { Bytes::new() }
                });
            },
        ),
        parts(
            "watch-changes-alone",
            "GRP-1",
            "Watch does not send the current status",
            |_, dependencies| {
                wire::stream(dependencies, "/Watch", |number, data| {
                    if number == 1 { Bytes::new() } else { data }
                });
            },
        ),
    ]
}

/// Changes every answer of Check.
fn check(it: &mut Dependencies, change: fn(&mut HealthCheckResponse)) {
    wire::answers(it, "/Check", change);
}

const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;

/// Whether the program has ever not been ready.
static FELL: AtomicBool = AtomicBool::new(false);

/// A check that remembers that it has ever failed.
struct Fallen {
    inner: Arc<dyn Check>,
}

#[async_trait]
impl Check for Fallen {
    async fn check(&self) -> Result<(), Unwell> {
        let checked = limited(self.inner.as_ref()).await;
        FELL.fetch_or(checked.is_err(), Ordering::Relaxed);
        checked
    }
}
