//! Health, over HTTP and over gRPC.

mod answers;
mod checks;
mod recovery;
mod secrets;
mod service;
mod wholes;

use std::sync::Arc;
use std::time::Duration;

use platform::health::{Check, Unwell};
use user_service::parts::Parts;

use crate::entries::parts;
use crate::entry::Entry;
use crate::probes::{self, Probe};

pub fn entries() -> Vec<Entry> {
    [
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
    parts(id, clause, wrong, move |_, it| {
        probes::spoil(it, "/health", change);
    })
}

/// Puts something around the check of each component.
fn each_check<C: Check + 'static>(it: &mut Parts, around: impl Fn(Arc<dyn Check>) -> C) {
    for component in &mut it.components {
        component.check = Arc::new(around(component.check.clone()));
    }
}

/// What a check finds within 0.8 s: sooner than it is dropped from outside, so that a failure is seen.
async fn limited(check: &dyn Check) -> Result<(), Unwell> {
    let checked = tokio::time::timeout(Duration::from_millis(800), check.check()).await;
    checked.unwrap_or(Err(Unwell("timed out")))
}
