//! USR-2: required fields.

use super::create_mutant;
use crate::entries::{change_ids, user_service_mutant};
use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    vec![
        user_service_mutant(
            "no-id-is-unknown",
            "USR-2",
            "an empty id is NOT_FOUND",
            |_, dependencies| {
                change_ids(dependencies, |id| {
                    if id.is_empty() {
                        *id = "unknown".to_owned();
                    }
                });
            },
        ),
        create_mutant(
            "blank-name-unchecked",
            "USR-2",
            "an empty name is accepted",
            |request| {
                if request.name.is_empty() {
                    request.name = "unknown".to_owned();
                }
            },
        ),
    ]
}
