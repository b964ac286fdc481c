//! GWY-1: routes.

use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use serde_json::Value;

use super::{answers, calls, heads, instead, reads};
use crate::calls::CallFault;
use crate::entry::Entry;
use crate::http::{objects, refused, target};

const CLAUSE: &str = "GWY-1";

pub fn entries() -> Vec<Entry> {
    let mut all = statuses();
    all.extend(kinds());
    all.extend(creates());
    all
}

fn statuses() -> Vec<Entry> {
    vec![
        answers(
            "routes-create-200",
            CLAUSE,
            "a create is answered with 200",
            |answer| {
                if answer.status == 201 {
                    answer.set(200);
                }
            },
        ),
        answers(
            "routes-update-204",
            CLAUSE,
            "an update is answered with 204 and nothing else",
            |answer| {
                if answer.method == Method::PUT && answer.status == 200 {
                    answer.set(204);
                    answer.body.clear();
                }
            },
        ),
        answers(
            "routes-delete-200",
            CLAUSE,
            "a delete is answered with 200 and a body",
            |answer| {
                if answer.status == 204 {
                    answer.set(200);
                    answer.text("application/json", "{}");
                }
            },
        ),
        heads("routes-patch", CLAUSE, "an update is a PATCH", |head| {
            head.method = match head.method {
                Method::PUT => Method::PATCH,
                Method::PATCH => Method::PUT,
                _ => return,
            };
        }),
        heads(
            "routes-without-version",
            CLAUSE,
            "the routes stand under /api",
            |head| {
                let path = head.uri.to_string();
                if let Some(rest) = path.strip_prefix("/api/v1/") {
                    target(head, &format!("/nowhere/{rest}"));
                } else if let Some(rest) = path.strip_prefix("/api/") {
                    target(head, &format!("/api/v1/{rest}"));
                }
            },
        ),
        instead(
            "routes-delete-keeps",
            CLAUSE,
            "a delete is answered and not made",
            |head, _| (head.method == Method::DELETE).then(|| refused(head, 204, "")),
        ),
    ]
}

fn kinds() -> Vec<Entry> {
    vec![
        answers(
            "routes-text-plain",
            CLAUSE,
            "JSON is sent as text/plain",
            |answer| {
                if let Some(kind) = answer.headers.get_mut(CONTENT_TYPE) {
                    *kind = "text/plain; charset=utf-8".parse().expect("a value");
                }
            },
        ),
        answers(
            "routes-no-content-type",
            CLAUSE,
            "answers have no Content-Type",
            |answer| {
                answer.headers.remove(CONTENT_TYPE);
            },
        ),
        answers(
            "routes-vendor-type",
            CLAUSE,
            "JSON is sent as a type of its own",
            |answer| {
                if let Some(kind) = answer.headers.get_mut(CONTENT_TYPE) {
                    *kind = "application/vnd.api+json".parse().expect("a value");
                }
            },
        ),
    ]
}

fn creates() -> Vec<Entry> {
    vec![
        calls(
            "routes-drops-password",
            CLAUSE,
            "a create does not pass on the password",
            CallFault {
                create: |it| it.password.clear(),
                ..CallFault::default()
            },
        ),
        calls(
            "routes-drops-metadata",
            CLAUSE,
            "a create does not pass on the metadata",
            CallFault {
                create: |it| it.metadata.clear(),
                ..CallFault::default()
            },
        ),
        calls(
            "routes-drops-empty-key",
            CLAUSE,
            "a create does not pass on metadata without a key",
            CallFault {
                create: |request| {
                    request.metadata.remove("");
                },
                ..CallFault::default()
            },
        ),
        calls(
            "routes-trims",
            CLAUSE,
            "a create trims the name",
            CallFault {
                create: |it| it.name = it.name.trim().to_owned(),
                ..CallFault::default()
            },
        ),
        calls(
            "routes-lower-case",
            CLAUSE,
            "a create puts the email in lower case",
            CallFault {
                create: |it| it.email = it.email.to_lowercase(),
                ..CallFault::default()
            },
        ),
        instead(
            "routes-refuses-null",
            CLAUSE,
            "a create refuses members that are null",
            |head, body| {
                let has_null = serde_json::from_slice(body).is_ok_and(|value: Value| {
                    value
                        .as_object()
                        .is_some_and(|it| it.values().any(Value::is_null))
                });
                (head.method == Method::POST && has_null)
                    .then(|| refused(head, 400, "null is no value"))
            },
        ),
        instead(
            "routes-refuses-missing",
            CLAUSE,
            "a create refuses what has no email by itself",
            |head, body| {
                let is_missing =
                    serde_json::from_slice(body).is_ok_and(|it: Value| it["email"].is_null());
                (head.method == Method::POST && is_missing)
                    .then(|| refused(head, 400, "missing field `email`"))
            },
        ),
        reads(
            "routes-null-is-text",
            CLAUSE,
            "a create takes null for the text null",
            |head, body| {
                if head.method == Method::POST {
                    objects(body, |object| {
                        for (name, value) in object {
                            if value.is_null() && name != "metadata" {
                                *value = "null".into();
                            }
                        }
                    });
                }
            },
        ),
    ]
}
