//! GWY-1: routes.

use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use serde_json::Value;

use super::{answers, calls, heads, instead, reads};
use crate::calls::Spoil;
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
            |it| {
                if it.status == 201 {
                    it.set(200);
                }
            },
        ),
        answers(
            "routes-update-204",
            CLAUSE,
            "an update is answered with 204 and nothing else",
            |it| {
                if it.method == Method::PUT && it.status == 200 {
                    it.set(204);
                    it.body.clear();
                }
            },
        ),
        answers(
            "routes-delete-200",
            CLAUSE,
            "a delete is answered with 200 and a body",
            |it| {
                if it.status == 204 {
                    it.set(200);
                    it.text("application/json", "{}");
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
            |it| {
                if let Some(kind) = it.headers.get_mut(CONTENT_TYPE) {
                    *kind = "text/plain; charset=utf-8".parse().expect("a value");
                }
            },
        ),
        answers(
            "routes-no-content-type",
            CLAUSE,
            "answers have no Content-Type",
            |it| {
                it.headers.remove(CONTENT_TYPE);
            },
        ),
        answers(
            "routes-vendor-type",
            CLAUSE,
            "JSON is sent as a type of its own",
            |it| {
                if let Some(kind) = it.headers.get_mut(CONTENT_TYPE) {
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
            Spoil {
                create: |it| it.password.clear(),
                ..Spoil::default()
            },
        ),
        calls(
            "routes-drops-metadata",
            CLAUSE,
            "a create does not pass on the metadata",
            Spoil {
                create: |it| it.metadata.clear(),
                ..Spoil::default()
            },
        ),
        calls(
            "routes-drops-empty-key",
            CLAUSE,
            "a create does not pass on metadata without a key",
            Spoil {
                create: |it| {
                    it.metadata.remove("");
                },
                ..Spoil::default()
            },
        ),
        calls(
            "routes-trims",
            CLAUSE,
            "a create trims the name",
            Spoil {
                create: |it| it.name = it.name.trim().to_owned(),
                ..Spoil::default()
            },
        ),
        calls(
            "routes-lower-case",
            CLAUSE,
            "a create puts the email in lower case",
            Spoil {
                create: |it| it.email = it.email.to_lowercase(),
                ..Spoil::default()
            },
        ),
        instead(
            "routes-refuses-null",
            CLAUSE,
            "a create refuses members that are null",
            |head, body| {
                let has_null = serde_json::from_slice(body).is_ok_and(|it: Value| {
                    it.as_object()
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
                    objects(body, |it| {
                        for (name, value) in it {
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
