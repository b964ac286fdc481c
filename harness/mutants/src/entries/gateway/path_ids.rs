//! GWY-8: ids in paths.

use axum::http::request::Parts as Head;

use super::{call_mutant, early_response_mutant, request_head_mutant};
use crate::gateway_calls::CallFault;
use crate::http::{error_response, percent_decode, set_target};
use crate::mutant::Mutant;

const CLAUSE: &str = "GWY-8";
const USERS_PATH: &str = "/api/v1/users/";

pub fn mutants() -> Vec<Mutant> {
    let mut all = decodings();
    all.extend(paths());
    all
}

fn decodings() -> Vec<Mutant> {
    vec![call_mutant(
        "path-id-cut",
        CLAUSE,
        "an id in a path is truncated to 100 characters",
        CallFault {
            id: |id| *id = id.chars().take(100).collect(),
            ..CallFault::default()
        },
    )]
}

/// Changes the path after `/api/v1/users/`.
fn change_user_path(head: &mut Head, change: impl FnOnce(&str) -> String) {
    if let Some(rest) = head.uri.path().strip_prefix(USERS_PATH) {
        let changed = change(rest);
        set_target(head, &format!("{USERS_PATH}{changed}"));
    }
}

/// Resolves the dot segments of a path.
fn resolve_dot_segments(path: &str) -> String {
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

fn paths() -> Vec<Mutant> {
    vec![
        request_head_mutant(
            "path-id-dots-resolved",
            CLAUSE,
            "dot segments in the id are resolved",
            |head| {
                change_user_path(head, resolve_dot_segments);
            },
        ),
        request_head_mutant(
            "path-id-decoded-before-routing",
            CLAUSE,
            "a path is decoded before it is split into segments",
            |head| {
                change_user_path(head, |rest| {
                    let decoded = rest.replace("%2F", "/").replace("%2f", "/");
                    resolve_dot_segments(&decoded)
                        .trim_end_matches('/')
                        .to_owned()
                });
            },
        ),
        request_head_mutant(
            "path-id-last-segment",
            CLAUSE,
            "only the text after the last slash, encoded or not, is the id",
            |head| {
                change_user_path(head, |rest| {
                    let rest = rest.replace("%2F", "/");
                    let mut parts = rest.rsplit('/').filter(|it| !it.is_empty());
                    parts.next().unwrap_or_default().to_owned()
                });
            },
        ),
        request_head_mutant(
            "path-id-question-mark",
            CLAUSE,
            "an encoded ? in an id starts the query",
            |head| {
                change_user_path(head, |rest| rest.replace("%3F", "?"));
            },
        ),
        early_response_mutant(
            "path-id-long-500",
            CLAUSE,
            "an id of more than 1 KiB is 500",
            |head, _| {
                (head.uri.path().len() > 1024 + USERS_PATH.len())
                    .then(|| error_response(head, 500, "internal server error"))
            },
        ),
        early_response_mutant(
            "path-id-slash-501",
            CLAUSE,
            "an encoded slash in an id is 501",
            |head, _| {
                let segment = head.uri.path().strip_prefix(USERS_PATH)?;
                let has_encoded_slash =
                    !segment.contains('/') && percent_decode(segment).contains('/');
                has_encoded_slash.then(|| error_response(head, 501, "not implemented"))
            },
        ),
    ]
}
