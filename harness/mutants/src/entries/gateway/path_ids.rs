//! GWY-8: ids in paths.

use axum::http::request::Parts as Head;

use super::{calls, heads, instead};
use crate::calls::CallFault;
use crate::entry::Entry;
use crate::http::{decoded, refused, target};

const CLAUSE: &str = "GWY-8";
const USERS: &str = "/api/v1/users/";

pub fn entries() -> Vec<Entry> {
    let mut all = decodings();
    all.extend(paths());
    all
}

fn decodings() -> Vec<Entry> {
    vec![calls(
        "path-id-cut",
        CLAUSE,
        "an id is cut after 100 characters",
        CallFault {
            id: |id| *id = id.chars().take(100).collect(),
            ..CallFault::default()
        },
    )]
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
