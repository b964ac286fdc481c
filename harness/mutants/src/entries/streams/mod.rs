//! Streams, and the callers that they are switched on for.
//!
//! - [`subscription`]: STR-1, which changes arrive
//! - [`filter`]: STR-2, which users are sent
//! - [`order`]: STR-3, in which order and how often
//! - [`outages`]: STR-5, during and after outages
//! - [`ledger`]: STR-1, STR-5, changes around crashes and outages
//! - [`flags`]: the callers that a flag lets in (CFG-10)

mod filter;
mod flags;
mod ledger;
mod order;
mod outages;
mod subscription;

use user_service::user::User;

use super::parts;
use crate::changes::{AlteredUsers, alter};
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    [
        subscription::entries(),
        filter::entries(),
        order::entries(),
        outages::entries(),
        ledger::entries(),
        flags::entries(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// An entry whose streams alter the users that one read found.
fn altered_users(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    change: impl Fn(Vec<User>) -> Vec<User> + Send + Sync + 'static,
) -> Entry {
    parts(id, clause, wrong, |_, it| alter(it, AlteredUsers(change)))
}
