//! USR-5: valid metadata.

use super::{change_metadata, create_mutant};
use crate::entries::user_service_mutant;
use crate::mutant::Mutant;
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    vec![
        create_mutant(
            "metadata-folded",
            "USR-5",
            "metadata keys are trimmed, Unicode-composed and put in lower case",
            |request| {
                let normalize = |key: &str| {
                    key.trim()
                        .to_lowercase()
                        .replace("e\u{301}", "\u{e9}")
                        .replace("__", "")
                        .replace('\u{feff}', "")
                };
                change_metadata(request, |key, value| (normalize(&key), value));
            },
        ),
        create_mutant(
            "metadata-trimmed",
            "USR-5",
            "metadata values are trimmed",
            |request| {
                for value in request.metadata.values_mut() {
                    *value = value.trim().to_owned();
                }
            },
        ),
        user_service_mutant(
            "metadata-not-listed",
            "USR-5",
            "users in lists have no metadata",
            |_, dependencies| {
                wire::change_responses::<user_proto::v1::ListUsersResponse>(
                    dependencies,
                    "/ListUsers",
                    |response| {
                        for user in &mut response.users {
                            user.metadata.clear();
                        }
                    },
                );
            },
        ),
    ]
}
