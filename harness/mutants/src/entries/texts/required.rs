//! USR-2: fields that must not be empty.

use super::on_create;
use crate::entries::{on_ids, parts};
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "no-id-is-unknown",
            "USR-2",
            "an empty id names nobody",
            |_, it| {
                on_ids(it, |id| {
                    if id.is_empty() {
                        *id = "nobody".to_owned();
                    }
                });
            },
        ),
        on_create(
            "blank-name-unchecked",
            "USR-2",
            "an empty name is accepted",
            |it| {
                if it.name.is_empty() {
                    it.name = "nobody".to_owned();
                }
            },
        ),
    ]
}
