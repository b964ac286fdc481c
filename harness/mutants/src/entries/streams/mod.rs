//! Streams and whom they are switched on for.
//!
//! - [`subscription`]: STR-1, who hears at all
//! - [`filter`]: STR-2, of whom
//! - [`order`]: STR-3, in which order and how often
//! - [`outages`]: STR-5, when something goes away
//! - [`ledger`]: STR-1, STR-5, changes around deaths and outages
//! - [`flags`]: whom a flag lets in (CFG-10)

mod filter;
mod flags;
mod ledger;
mod order;
mod outages;
mod subscription;

use user_service::user::User;

use super::parts;
use crate::changes::{Retold, retell};
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

/// An entry whose streams tell something else of what one read found.
fn retold(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    change: impl Fn(Vec<User>) -> Vec<User> + Send + Sync + 'static,
) -> Entry {
    parts(id, clause, wrong, |_, it| retell(it, Retold(change)))
}
