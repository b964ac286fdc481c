//! USR-17: hostile text in the fields of a user.

use super::{change_metadata, on_create};
use crate::entries::parts;
use crate::entry::Entry;
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        on_create(
            "hostile-name-filtered",
            "USR-17",
            "what looks like SQL or a template is cut out of a name",
            |it| it.name = cut(&it.name),
        ),
        on_create(
            "hostile-email-filtered",
            "USR-17",
            "what looks like SQL or a template is cut out of an email",
            |it| it.email = cut(&it.email),
        ),
        on_create(
            "hostile-metadata-filtered",
            "USR-17",
            "what looks like SQL or a template is cut out of metadata",
            |request| {
                change_metadata(request, |key, value| (cut(&key), cut(&value)));
            },
        ),
        parts(
            "hostile-is-internal",
            "USR-17",
            "a single quote, a per cent sign or a NUL in any field gives INTERNAL",
            |_, dependencies| {
                for method in [
                    "CreateUser",
                    "GetUser",
                    "UpdateUser",
                    "DeleteUser",
                    "ListUsers",
                ] {
                    wire::refuse(dependencies, method, |body| {
                        body.iter().any(|it| matches!(it, b'\'' | b'%' | b'{' | 0))
                    });
                }
            },
        ),
    ]
}

/// Without characters that are special in SQL, patterns or templates.
fn cut(text: &str) -> String {
    ["'", "%", "{", "}", "\\", ";", "<", "$", "NULL", "../"]
        .iter()
        .fold(text.to_owned(), |text, word| text.replace(word, "-"))
}
