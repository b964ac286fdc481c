//! What users' fields may hold, and how they come back.

mod creation;
mod emails;
mod hostile;
mod metadata;
mod names;
mod passwords;
mod required;

use user_proto::v1::CreateUserRequest;

use crate::entries::parts;
use crate::entry::Entry;
use crate::wire;

pub fn entries() -> Vec<Entry> {
    [
        creation::entries(),
        required::entries(),
        emails::entries(),
        names::entries(),
        metadata::entries(),
        passwords::entries(),
        hostile::entries(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// An entry that changes every request to create a user.
fn on_create(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    change: fn(&mut CreateUserRequest),
) -> Entry {
    parts(id, clause, wrong, move |_, dependencies| {
        wire::requests(dependencies, "/CreateUser", change);
    })
}

/// Changes every key and value of the metadata.
fn change_metadata(
    it: &mut CreateUserRequest,
    change: impl Fn(String, String) -> (String, String),
) {
    let entries = std::mem::take(&mut it.metadata).into_iter();
    it.metadata = entries.map(|(key, value)| change(key, value)).collect();
}
