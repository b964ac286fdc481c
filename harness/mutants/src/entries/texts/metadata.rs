//! USR-5: what metadata may hold.

use super::{change_metadata, on_create};
use crate::entries::parts;
use crate::entry::Entry;
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        on_create(
            "metadata-folded",
            "USR-5",
            "keys are trimmed, composed and put in lower case",
            |request| {
                let fold = |key: &str| {
                    key.trim()
                        .to_lowercase()
                        .replace("e\u{301}", "\u{e9}")
                        .replace("__", "")
                        .replace('\u{feff}', "")
                };
                change_metadata(request, |key, value| (fold(&key), value));
            },
        ),
        on_create(
            "metadata-trimmed",
            "USR-5",
            "values are trimmed",
            |request| {
                for value in request.metadata.values_mut() {
                    *value = value.trim().to_owned();
                }
            },
        ),
        parts(
            "metadata-not-listed",
            "USR-5",
            "lists leave metadata out",
            |_, dependencies| {
                wire::answers::<user_proto::v1::ListUsersResponse>(
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
