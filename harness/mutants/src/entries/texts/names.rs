//! USR-4: what a name may hold.

use super::on_create;
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![
        on_create(
            "name-trimmed",
            "USR-4",
            "white space around a name is taken off",
            |request| {
                if !request.name.trim().is_empty() {
                    request.name = request
                        .name
                        .trim_matches(|it: char| it.is_whitespace() || it == '\u{feff}')
                        .to_owned();
                }
            },
        ),
        on_create(
            "name-escaped",
            "USR-4",
            "angle brackets and ampersands are escaped",
            |request| {
                request.name = request.name.replace('&', "&amp;").replace('<', "&lt;");
            },
        ),
        on_create(
            "name-composed",
            "USR-4",
            "letters and marks are composed",
            |request| {
                request.name = request
                    .name
                    .replace("e\u{308}", "\u{eb}")
                    .replace('\u{212b}', "\u{c5}");
            },
        ),
    ]
}
