//! GWY-8: ids in paths.

use axum::http::request::Parts as Head;
use gateway::api::parse;

use super::{calls, heads, instead, rules};
use crate::calls::Spoil;
use crate::entry::Entry;
use crate::http::{decoded, refused, target};

const CLAUSE: &str = "GWY-8";
const USERS: &str = "/api/v1/users/";

pub fn entries() -> Vec<Entry> {
    let mut all = decodings();
    all.extend(paths());
    all
}

/// An entry that makes something else of a segment.
fn segment(id: &'static str, wrong: &'static str, read: fn(&str) -> Option<String>) -> Entry {
    rules(id, CLAUSE, wrong, move |it| it.path_id = read)
}

fn decodings() -> Vec<Entry> {
    vec![
        segment("path-id-not-decoded", "an id is not decoded", |it| {
            Some(it.to_owned())
        }),
        segment("path-id-decoded-twice", "an id is decoded twice", |it| {
            parse::path_id(&parse::path_id(it)?)
        }),
        segment("path-id-plus", "a plus is a blank", |it| {
            parse::path_id(&it.replace('+', " "))
        }),
        segment("path-id-latin-1", "an id is decoded byte by byte", |it| {
            Some(parse::path_id(it)?.bytes().map(char::from).collect())
        }),
        segment("path-id-trimmed", "an id is trimmed", |it| {
            Some(parse::path_id(it)?.trim().to_owned())
        }),
        segment("path-id-lower-case", "an id is put in lower case", |it| {
            Some(parse::path_id(it)?.to_lowercase())
        }),
        segment(
            "path-id-parameters",
            "what follows a semicolon is cut off",
            |it| {
                let id = parse::path_id(it)?;
                Some(id.split(';').next().unwrap_or_default().to_owned())
            },
        ),
        segment(
            "path-id-words",
            "an id has letters, digits and dashes",
            |it| {
                parse::path_id(it)
                    .filter(|it| it.chars().all(|it| it.is_alphanumeric() || it == '-'))
            },
        ),
        segment("path-id-256", "an id has at most 256 characters", |it| {
            parse::path_id(it).filter(|it| it.len() <= 256)
        }),
        calls(
            "path-id-cut",
            CLAUSE,
            "an id is cut after 100 characters",
            Spoil {
                id: |id| *id = id.chars().take(100).collect(),
                ..Spoil::default()
            },
        ),
    ]
}

/// Puts another path in a request of a user.
fn rewritten(head: &mut Head, change: impl FnOnce(&str) -> String) {
    if let Some(rest) = head.uri.path().strip_prefix(USERS) {
        let changed = change(rest);
        target(head, &format!("{USERS}{changed}"));
    }
}

/// The path after `/api/v1/users/` with its dot segments resolved.
fn resolved(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn paths() -> Vec<Entry> {
    vec![
        heads(
            "path-id-dots-resolved",
            CLAUSE,
            "dot segments are resolved",
            |head| {
                rewritten(head, resolved);
            },
        ),
        heads(
            "path-id-decoded-before-routing",
            CLAUSE,
            "a path is decoded before it is split",
            |head| {
                rewritten(head, |rest| {
                    let slashes = rest.replace("%2F", "/").replace("%2f", "/");
                    resolved(&slashes).trim_end_matches('/').to_owned()
                });
            },
        ),
        heads(
            "path-id-last-segment",
            CLAUSE,
            "what stands before the last slash is ignored, encoded or not",
            |head| {
                rewritten(head, |rest| {
                    let rest = rest.replace("%2F", "/");
                    let mut parts = rest.rsplit('/').filter(|it| !it.is_empty());
                    parts.next().unwrap_or_default().to_owned()
                });
            },
        ),
        heads(
            "path-id-question-mark",
            CLAUSE,
            "an encoded ? begins a query",
            |head| {
                rewritten(head, |rest| rest.replace("%3F", "?"));
            },
        ),
        instead(
            "path-id-no-utf8-500",
            CLAUSE,
            "an id that is no UTF-8 is 500",
            |head, _| {
                let segment = head.uri.path().strip_prefix(USERS)?;
                parse::path_id(segment)
                    .is_none()
                    .then(|| refused(head, 500, "internal server error"))
            },
        ),
        instead(
            "path-id-long-500",
            CLAUSE,
            "an id over 1 KiB is 500",
            |head, _| {
                (head.uri.path().len() > 1024 + USERS.len())
                    .then(|| refused(head, 500, "internal server error"))
            },
        ),
        instead(
            "path-id-slash-501",
            CLAUSE,
            "an encoded slash is 501",
            |head, _| {
                let segment = head.uri.path().strip_prefix(USERS)?;
                let is_split = !segment.contains('/') && decoded(segment).contains('/');
                is_split.then(|| refused(head, 501, "not implemented"))
            },
        ),
    ]
}
