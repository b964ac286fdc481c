//! USR-4: valid names.

use super::create_mutant;
use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    vec![
        create_mutant(
            "name-trimmed",
            "USR-4",
            "white space around a name is removed",
            |request| {
                if !request.name.trim().is_empty() {
                    request.name = request
                        .name
                        .trim_matches(|it: char| it.is_whitespace() || it == '\u{feff}')
                        .to_owned();
                }
            },
        ),
        create_mutant(
            "name-escaped",
            "USR-4",
            "angle brackets and ampersands in a name are HTML-escaped",
            |request| {
                request.name = request.name.replace('&', "&amp;").replace('<', "&lt;");
            },
        ),
        create_mutant(
            "name-composed",
            "USR-4",
            "combining characters in a name are composed",
            |request| {
                request.name = request
                    .name
                    .replace("e\u{308}", "\u{eb}")
                    .replace('\u{212b}', "\u{c5}");
            },
        ),
    ]
}
