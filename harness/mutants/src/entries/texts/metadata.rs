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
            |it| {
                let fold = |key: &str| {
                    key.trim()
                        .to_lowercase()
                        .replace("e\u{301}", "\u{e9}")
                        .replace("__", "")
                        .replace('\u{feff}', "")
                };
                change_metadata(it, |key, value| (fold(&key), value));
            },
        ),
        on_create("metadata-trimmed", "USR-5", "values are trimmed", |it| {
            for value in it.metadata.values_mut() {
                *value = value.trim().to_owned();
            }
        }),
        parts(
            "metadata-not-listed",
            "USR-5",
            "lists leave metadata out",
            |_, it| {
                wire::answers::<user_proto::v1::ListUsersResponse>(it, "/ListUsers", |it| {
                    for user in &mut it.users {
                        user.metadata.clear();
                    }
                });
            },
        ),
    ]
}
