//! USR-4: what a name may hold.

use user_service::invalid::Invalid;
use user_service::validate;

use super::on_create;
use crate::entries::parts;
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "name-limit-255",
            "USR-4",
            "a name may hold 255 characters",
            |_, it| it.rules.limits.name_characters = 255,
        ),
        parts(
            "name-limit-257",
            "USR-4",
            "a name may hold 257 characters",
            |_, it| it.rules.limits.name_characters = 257,
        ),
        parts(
            "name-bytes",
            "USR-4",
            "a name is measured in bytes",
            |_, it| {
                it.rules.name = |limits, text| {
                    if text.len() > limits.name_characters {
                        Err(Invalid::Name)
                    } else {
                        validate::name(limits, text)
                    }
                };
            },
        ),
        parts(
            "name-graphemes",
            "USR-4",
            "marks that combine do not count",
            |_, it| {
                it.rules.name = |limits, text| {
                    let marks = |it: &char| !matches!(it, '\u{300}'..='\u{36f}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
                    validate::name(limits, &text.chars().filter(marks).collect::<String>())
                };
            },
        ),
        on_create(
            "name-trimmed",
            "USR-4",
            "white space around a name is taken off",
            |it| {
                if !it.name.trim().is_empty() {
                    it.name = it
                        .name
                        .trim_matches(|it: char| it.is_whitespace() || it == '\u{feff}')
                        .to_owned();
                }
            },
        ),
        parts(
            "name-ascii-controls",
            "USR-4",
            "only control characters below U+0020 are refused in a name",
            |_, it| {
                it.rules.limits.is_control = |it| it < ' ';
            },
        ),
        parts(
            "name-lines",
            "USR-4",
            "line ends and tabs may stand in a name",
            |_, it| {
                it.rules.limits.is_control =
                    |it| it.is_control() && !matches!(it, '\n' | '\r' | '\t');
            },
        ),
        on_create(
            "name-escaped",
            "USR-4",
            "angle brackets and ampersands are escaped",
            |it| {
                it.name = it.name.replace('&', "&amp;").replace('<', "&lt;");
            },
        ),
        on_create(
            "name-composed",
            "USR-4",
            "letters and marks are composed",
            |it| {
                it.name = it
                    .name
                    .replace("e\u{308}", "\u{eb}")
                    .replace('\u{212b}', "\u{c5}");
            },
        ),
        parts(
            "name-private-refused",
            "USR-4",
            "private and unassigned characters are refused",
            |_, it| {
                it.rules.limits.is_control = |it| {
                    it.is_control()
                        || matches!(it, '\u{e000}'..='\u{f8ff}' | '\u{fffe}'..='\u{ffff}' | '\u{10fffe}'..)
                };
            },
        ),
    ]
}
