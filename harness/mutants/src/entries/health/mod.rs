//! Health, over HTTP and over gRPC.

mod always;
mod answers;
mod checks;
mod recovery;
mod secrets;
mod service;
mod wholes;

use std::sync::Arc;
use std::time::Duration;

use platform::health::{Check, Unwell};

use crate::entries::common;
use crate::entry::{Common, Entry};
use crate::probes::{self, Probe};

pub fn entries() -> Vec<Entry> {
    [
        always::entries(),
        answers::entries(),
        wholes::entries(),
        checks::entries(),
        recovery::entries(),
        secrets::entries(),
        service::entries(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// An entry that changes the answers of `/health`.
fn health(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    change: fn(&mut Probe),
) -> Entry {
    common(id, clause, wrong, move |parts| {
        probes::inject(parts.wrap_http, "/health", change);
    })
}

/// Puts something around the check of each component.
fn each_check<C: Check + 'static>(it: &mut Common<'_>, around: impl Fn(Arc<dyn Check>) -> C) {
    for component in it.components.iter_mut() {
        component.check = Arc::new(around(component.check.clone()));
    }
}

/// What a check finds within 0.8 s: sooner than it is dropped from outside, so that a failure is seen.
async fn limited(check: &dyn Check) -> Result<(), Unwell> {
    let checked = tokio::time::timeout(Duration::from_millis(800), check.check()).await;
    checked.unwrap_or(Err(Unwell("timed out")))
}
