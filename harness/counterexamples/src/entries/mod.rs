//! All counterexamples, by area.

#![allow(clippy::too_many_lines, reason = "the functions are tables")]
#![allow(clippy::unnecessary_wraps, reason = "the functions fit a rule's type")]
#![allow(
    clippy::assigning_clones,
    reason = "plain assignments read best in a table"
)]

mod config;
mod failures;
mod grpc_plumbing;
mod health;
mod listing;
mod logs;
mod texts;
mod users;

use user_service::parts::Parts;
use user_service::settings::Settings;

use crate::entry::{Entry, How, Variables};
use crate::standing::Standing;

/// Every counterexample, the plain reference among them.
pub fn all() -> Vec<Entry> {
    let mut all = vec![
        Entry::of_all(
            "plain",
            "nothing: the reference through the same seams",
            How::Plain,
        ),
        Entry::of_all(
            "standing-unavailable",
            "every call is UNAVAILABLE",
            How::Standing(Standing::Unavailable),
        ),
        Entry::of_all(
            "standing-closes",
            "every connection is closed",
            How::Standing(Standing::Closes),
        ),
        Entry::of_all(
            "standing-empty",
            "everything is accepted, every answer is empty",
            How::Standing(Standing::Empty),
        ),
    ];
    all.extend(config::entries());
    all.extend(health::entries());
    all.extend(grpc_plumbing::entries());
    all.extend(logs::entries());
    all.extend(texts::entries());
    all.extend(users::entries());
    all.extend(listing::entries());
    all.extend(failures::entries());
    all
}

/// An entry that replaces a part.
fn parts(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    spoil: fn(&Settings, &mut Parts),
) -> Entry {
    Entry::new(id, clause, wrong, How::Parts(spoil))
}

/// An entry that changes the environment before anything reads it.
fn environment(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    spoil: fn(&mut Variables),
) -> Entry {
    Entry::new(id, clause, wrong, How::Environment(spoil))
}
