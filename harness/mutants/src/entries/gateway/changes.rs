//! GWY-4: changes of a user.

use axum::http::Method;
use axum::http::request::Parts as Head;
use serde_json::{Map, Value};

use super::{calls, instead, reads};
use crate::calls::CallFault;
use crate::entry::Entry;
use crate::http::{objects, refused};

const CLAUSE: &str = "GWY-4";

pub fn entries() -> Vec<Entry> {
    let mut all = members();
    all.extend(statuses());
    all
}

/// Changes what a PUT sends.
fn sent(head: &Head, body: &mut Vec<u8>, change: impl FnOnce(&mut Map<String, Value>)) {
    if head.method == Method::PUT {
        objects(body, change);
    }
}

fn members() -> Vec<Entry> {
    vec![
        calls(
            "puts-absent-as-empty",
            CLAUSE,
            "what a PUT does not name is passed on empty",
            CallFault {
                update: |request| {
                    request.email.get_or_insert_default();
                    request.name.get_or_insert_default();
                },
                ..CallFault::default()
            },
        ),
        calls(
            "puts-absent-status-as-active",
            CLAUSE,
            "without a status the user becomes ACTIVE",
            CallFault {
                update: |request| {
                    request.status.get_or_insert(1);
                },
                ..CallFault::default()
            },
        ),
        calls(
            "puts-empty-as-absent",
            CLAUSE,
            "an empty text counts as absent",
            CallFault {
                update: |request| {
                    request.email.take_if(|it| it.is_empty());
                    request.name.take_if(|it| it.is_empty());
                },
                ..CallFault::default()
            },
        ),
        reads(
            "puts-null-clears",
            CLAUSE,
            "null empties a text",
            |head, body| {
                sent(head, body, |object| {
                    for name in ["email", "name"] {
                        if object.get(name).is_some_and(Value::is_null) {
                            object.insert(name.to_owned(), "".into());
                        }
                    }
                });
            },
        ),
        instead(
            "puts-refuses-null",
            CLAUSE,
            "a PUT refuses members that are null",
            |head, body| {
                let has_null = serde_json::from_slice(body)
                    .is_ok_and(|it: Map<String, Value>| it.values().any(Value::is_null));
                (head.method == Method::PUT && has_null)
                    .then(|| refused(head, 400, "null is no value"))
            },
        ),
        instead(
            "puts-refuses-nothing",
            CLAUSE,
            "a PUT that changes nothing is refused",
            |head, body| {
                (head.method == Method::PUT && body.as_ref() == b"{}")
                    .then(|| refused(head, 400, "nothing to change"))
            },
        ),
        instead(
            "puts-need-everything",
            CLAUSE,
            "a PUT must name email and name",
            |head, body| {
                let lacks = serde_json::from_slice(body)
                    .is_ok_and(|it: Value| it.is_object() && !it["email"].is_string());
                (head.method == Method::PUT && lacks)
                    .then(|| refused(head, 400, "email is required"))
            },
        ),
        calls(
            "puts-no-metadata",
            CLAUSE,
            "metadata is not passed on",
            CallFault {
                update: |it| it.metadata.clear(),
                ..CallFault::default()
            },
        ),
        calls(
            "puts-no-email",
            CLAUSE,
            "an email is not passed on",
            CallFault {
                update: |it| it.email = None,
                ..CallFault::default()
            },
        ),
        calls(
            "puts-no-status",
            CLAUSE,
            "a status is not passed on",
            CallFault {
                update: |it| it.status = None,
                ..CallFault::default()
            },
        ),
    ]
}

fn statuses() -> Vec<Entry> {
    vec![calls(
        "puts-unspecified-as-absent",
        CLAUSE,
        "the status UNSPECIFIED counts as absent",
        CallFault {
            update: |request| {
                request.status.take_if(|it| *it == 0);
            },
            ..CallFault::default()
        },
    )]
}
