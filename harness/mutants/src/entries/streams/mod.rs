//! STR-1 to STR-5, CFG-10: streams of changes, and feature flags.
//!
//! - [`subscription`]: the changes that a subscriber receives (STR-1)
//! - [`filter`]: filters of streams (STR-2)
//! - [`order`]: the order of changes, lost and repeated changes (STR-3)
//! - [`outages`]: outages of the database and of Redis (STR-5)
//! - [`crashes`]: changes before the crash of an instance or an outage (STR-1, STR-5)
//! - [`flags`]: feature flags (CFG-10)

mod crashes;
mod filter;
mod flags;
mod order;
mod outages;
mod subscription;

use user_service::user::User;

use super::user_service_mutant;
use crate::change_log::{ChangeUsers, wrap_change_log};
use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    [
        subscription::mutants(),
        filter::mutants(),
        order::mutants(),
        outages::mutants(),
        crashes::mutants(),
        flags::mutants(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A mutant that changes the users which one read of the change log returns.
fn change_log_mutant(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    change: impl Fn(Vec<User>) -> Vec<User> + Send + Sync + 'static,
) -> Mutant {
    user_service_mutant(id, clause, wrong, |_, dependencies| {
        wrap_change_log(dependencies, ChangeUsers(change));
    })
}
