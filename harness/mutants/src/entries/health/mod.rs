//! HLT-1 to HLT-8, GRP-1: health over HTTP and gRPC.

mod grpc_health;
mod lifetime;
mod overall_status;
mod recovery;
mod responses;
mod secrets;
mod timestamps;

use std::sync::Arc;
use std::time::Duration;

use platform::health::{Check, CheckFailed};

use crate::entries::common_mutant;
use crate::mutant::{CommonParts, Mutant};
use crate::probes::{self, ProbeResponse};

pub fn mutants() -> Vec<Mutant> {
    [
        lifetime::mutants(),
        responses::mutants(),
        overall_status::mutants(),
        timestamps::mutants(),
        recovery::mutants(),
        secrets::mutants(),
        grpc_health::mutants(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A mutant that changes the responses of `/health`.
fn health_mutant(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    change: fn(&mut ProbeResponse),
) -> Mutant {
    common_mutant(id, clause, wrong, move |parts| {
        probes::change_probe(parts.wrap_http, "/health", change);
    })
}

/// Wraps the health check of each component.
fn wrap_checks<C: Check + 'static>(
    parts: &mut CommonParts<'_>,
    wrap: impl Fn(Arc<dyn Check>) -> C,
) {
    for component in parts.components.iter_mut() {
        component.check = Arc::new(wrap(component.check.clone()));
    }
}

/// Runs a check for at most 0.8 s: shorter than the caller's timeout, which would drop the check unseen.
async fn check_within_limit(check: &dyn Check) -> Result<(), CheckFailed> {
    let checked = tokio::time::timeout(Duration::from_millis(800), check.check()).await;
    checked.unwrap_or(Err(CheckFailed("timed out")))
}
