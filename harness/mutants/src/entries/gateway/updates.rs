//! GWY-4: updates by PUT.

use axum::http::Method;
use axum::http::request::Parts as Head;
use serde_json::{Map, Value};

use super::{call_mutant, early_response_mutant, request_body_mutant};
use crate::gateway_calls::CallFault;
use crate::http::{change_json_object, error_response};
use crate::mutant::Mutant;

const CLAUSE: &str = "GWY-4";

pub fn mutants() -> Vec<Mutant> {
    let mut all = members();
    all.extend(statuses());
    all
}

/// Changes the JSON object in the body of a PUT.
fn change_put_body(head: &Head, body: &mut Vec<u8>, change: impl FnOnce(&mut Map<String, Value>)) {
    if head.method == Method::PUT {
        change_json_object(body, change);
    }
}

fn members() -> Vec<Mutant> {
    vec![
        call_mutant(
            "puts-absent-as-empty",
            CLAUSE,
            "an email or name that a PUT lacks is passed on as empty",
            CallFault {
                update: |request| {
                    request.email.get_or_insert_default();
                    request.name.get_or_insert_default();
                },
                ..CallFault::default()
            },
        ),
        call_mutant(
            "puts-absent-status-as-active",
            CLAUSE,
            "a PUT without a status makes the user ACTIVE",
            CallFault {
                update: |request| {
                    request.status.get_or_insert(1);
                },
                ..CallFault::default()
            },
        ),
        call_mutant(
            "puts-empty-as-absent",
            CLAUSE,
            "an empty text in a PUT counts as absent",
            CallFault {
                update: |request| {
                    request.email.take_if(|it| it.is_empty());
                    request.name.take_if(|it| it.is_empty());
                },
                ..CallFault::default()
            },
        ),
        request_body_mutant(
            "puts-null-clears",
            CLAUSE,
            "null in a PUT makes a text empty",
            |head, body| {
                change_put_body(head, body, |object| {
                    for name in ["email", "name"] {
                        if object.get(name).is_some_and(Value::is_null) {
                            object.insert(name.to_owned(), "".into());
                        }
                    }
                });
            },
        ),
        early_response_mutant(
            "puts-refuses-null",
            CLAUSE,
            "a PUT refuses members that are null",
            |head, body| {
                let has_null = serde_json::from_slice(body)
                    .is_ok_and(|it: Map<String, Value>| it.values().any(Value::is_null));
                (head.method == Method::PUT && has_null)
                    .then(|| error_response(head, 400, "null is no value"))
            },
        ),
        early_response_mutant(
            "puts-refuses-nothing",
            CLAUSE,
            "a PUT without members is refused",
            |head, body| {
                (head.method == Method::PUT && body.as_ref() == b"{}")
                    .then(|| error_response(head, 400, "nothing to change"))
            },
        ),
        early_response_mutant(
            "puts-need-everything",
            CLAUSE,
            "a PUT without an email is refused",
            |head, body| {
                let lacks_email = serde_json::from_slice(body)
                    .is_ok_and(|it: Value| it.is_object() && !it["email"].is_string());
                (head.method == Method::PUT && lacks_email)
                    .then(|| error_response(head, 400, "email is required"))
            },
        ),
        call_mutant(
            "puts-no-metadata",
            CLAUSE,
            "a PUT does not pass on the metadata",
            CallFault {
                update: |it| it.metadata.clear(),
                ..CallFault::default()
            },
        ),
        call_mutant(
            "puts-no-email",
            CLAUSE,
            "a PUT does not pass on the email",
            CallFault {
                update: |it| it.email = None,
                ..CallFault::default()
            },
        ),
        call_mutant(
            "puts-no-status",
            CLAUSE,
            "a PUT does not pass on the status",
            CallFault {
                update: |it| it.status = None,
                ..CallFault::default()
            },
        ),
    ]
}

fn statuses() -> Vec<Mutant> {
    vec![call_mutant(
        "puts-unspecified-as-absent",
        CLAUSE,
        "the status UNSPECIFIED in a PUT counts as absent",
        CallFault {
            update: |request| {
                request.status.take_if(|it| *it == 0);
            },
            ..CallFault::default()
        },
    )]
}
