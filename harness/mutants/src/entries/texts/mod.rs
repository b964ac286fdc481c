//! USR-1 to USR-6, USR-17: the fields of a user, as they are validated, stored and returned.

mod creation;
mod emails;
mod hostile;
mod metadata;
mod names;
mod passwords;
mod required;

use user_proto::v1::CreateUserRequest;

use crate::entries::user_service_mutant;
use crate::mutant::Mutant;
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    [
        creation::mutants(),
        required::mutants(),
        emails::mutants(),
        names::mutants(),
        metadata::mutants(),
        passwords::mutants(),
        hostile::mutants(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A mutant that changes every `CreateUser` request.
fn create_mutant(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    change: fn(&mut CreateUserRequest),
) -> Mutant {
    user_service_mutant(id, clause, wrong, move |_, dependencies| {
        wire::change_requests(dependencies, "/CreateUser", change);
    })
}

/// Changes every key and value of the metadata.
fn change_metadata(
    request: &mut CreateUserRequest,
    change: impl Fn(String, String) -> (String, String),
) {
    let entries = std::mem::take(&mut request.metadata).into_iter();
    request.metadata = entries.map(|(key, value)| change(key, value)).collect();
}
