//! USR-17: hostile text in the fields of a user.

use super::{change_metadata, create_mutant};
use crate::entries::user_service_mutant;
use crate::mutant::Mutant;
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    vec![
        create_mutant(
            "hostile-name-filtered",
            "USR-17",
            "text that looks like SQL or a template is removed from a name",
            |it| it.name = sanitize(&it.name),
        ),
        create_mutant(
            "hostile-email-filtered",
            "USR-17",
            "text that looks like SQL or a template is removed from an email",
            |it| it.email = sanitize(&it.email),
        ),
        create_mutant(
            "hostile-metadata-filtered",
            "USR-17",
            "text that looks like SQL or a template is removed from metadata",
            |request| {
                change_metadata(request, |key, value| (sanitize(&key), sanitize(&value)));
            },
        ),
        user_service_mutant(
            "hostile-is-internal",
            "USR-17",
            "a single quote, a percent sign or a NUL in any field fails with INTERNAL",
            |_, dependencies| {
                for method in [
                    "CreateUser",
                    "GetUser",
                    "UpdateUser",
                    "DeleteUser",
                    "ListUsers",
                ] {
                    wire::fail_requests(dependencies, method, |body| {
                        body.iter()
                            .any(|byte| matches!(byte, b'\'' | b'%' | b'{' | 0))
                    });
                }
            },
        ),
    ]
}

/// Replaces text that is special in SQL, patterns or templates.
fn sanitize(text: &str) -> String {
    ["'", "%", "{", "}", "\\", ";", "<", "$", "NULL", "../"]
        .iter()
        .fold(text.to_owned(), |text, word| text.replace(word, "-"))
}
