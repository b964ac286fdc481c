//! USR-2: fields that must not be empty.

use super::on_create;
use crate::entries::{on_ids, parts};
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "no-id-is-unknown",
            "USR-2",
            "an empty id is NOT_FOUND",
            |_, dependencies| {
                on_ids(dependencies, |id| {
                    if id.is_empty() {
                        *id = "unknown".to_owned();
                    }
                });
            },
        ),
        on_create(
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
