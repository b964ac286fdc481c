//! USR-5: what metadata may hold.

use user_service::validate;

use super::{change_metadata, on_create};
use crate::entries::parts;
use crate::entry::Entry;
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "metadata-63-entries",
            "USR-5",
            "metadata may hold 63 entries",
            |_, it| it.rules.limits.metadata_entries = 63,
        ),
        parts(
            "metadata-65-entries",
            "USR-5",
            "metadata may hold 65 entries",
            |_, it| it.rules.limits.metadata_entries = 1000,
        ),
        parts(
            "metadata-key-63",
            "USR-5",
            "a key may hold 63 characters",
            |_, it| it.rules.limits.metadata_key_characters = 63,
        ),
        parts(
            "metadata-key-unbounded",
            "USR-5",
            "a key may be empty or of any length",
            |_, it| {
                it.rules.metadata = |limits, entries| {
                    let entries = entries.iter().enumerate().map(|(index, (key, value))| {
                        let short: String = key.chars().take(60).collect();
                        (format!("{index}{short}"), value.clone())
                    });
                    validate::metadata(limits, &entries.collect())
                };
            },
        ),
        parts(
            "metadata-value-1023",
            "USR-5",
            "a value may hold 1,023 characters",
            |_, it| it.rules.limits.metadata_value_characters = 1023,
        ),
        parts(
            "metadata-value-unbounded",
            "USR-5",
            "a value may be of any length",
            |_, it| it.rules.limits.metadata_value_characters = usize::MAX,
        ),
        parts(
            "metadata-16000-bytes",
            "USR-5",
            "metadata may hold 16,000 bytes",
            |_, it| it.rules.limits.metadata_bytes = 16_000,
        ),
        parts(
            "metadata-values-alone",
            "USR-5",
            "keys do not count towards the bytes",
            |_, it| it.rules.limits.metadata_bytes = 17_000,
        ),
        parts(
            "metadata-controls",
            "USR-5",
            "control characters may stand in metadata",
            |_, it| {
                it.rules.metadata = |limits, entries| {
                    let plain = |it: &str| it.replace(char::is_control, "x");
                    validate::metadata(
                        limits,
                        &entries
                            .iter()
                            .map(|(key, value)| (plain(key), plain(value)))
                            .collect(),
                    )
                };
            },
        ),
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
