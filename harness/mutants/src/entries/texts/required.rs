//! USR-2: fields that must not be empty.

use user_service::invalid::Invalid;
use user_service::validate;

use super::on_create;
use crate::entries::{on_ids, parts};
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "empty-is-invalid",
            "USR-2",
            "what is empty is called invalid, not required",
            |_, it| {
                it.rules.email =
                    |limits, text| validate::email(limits, text).map_err(|_| Invalid::Email);
                it.rules.name =
                    |limits, text| validate::name(limits, text).map_err(|_| Invalid::Name);
            },
        ),
        parts(
            "blank-name-accepted",
            "USR-2",
            "a name of blanks other than U+0020 is accepted",
            |_, it| {
                it.rules.limits.is_white_space = |it| it == ' ';
            },
        ),
        parts(
            "blank-is-invisible",
            "USR-2",
            "what cannot be seen counts as white space",
            |_, it| {
                it.rules.limits.is_white_space = |it| {
                    it.is_whitespace()
                        || matches!(
                            it,
                            '\u{ad}' | '\u{200b}'
                                ..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{2800}' | '\u{3164}'
                        )
                };
            },
        ),
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
