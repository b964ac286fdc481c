//! GWY-1: routes and their responses.

use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use serde_json::Value;

use super::{
    call_mutant, early_response_mutant, request_body_mutant, request_head_mutant, response_mutant,
};
use crate::gateway_calls::CallFault;
use crate::http::{change_json_object, error_response, set_target};
use crate::mutant::Mutant;

const CLAUSE: &str = "GWY-1";

pub fn mutants() -> Vec<Mutant> {
    let mut all = statuses();
    all.extend(content_types());
    all.extend(creates());
    all
}

fn statuses() -> Vec<Mutant> {
    vec![
        response_mutant(
            "routes-create-200",
            CLAUSE,
            "a create is answered with 200",
            |response| {
                if response.status == 201 {
                    response.set_status(200);
                }
            },
        ),
        response_mutant(
            "routes-update-204",
            CLAUSE,
            "an update is answered with 204 and no body",
            |response| {
                if response.method == Method::PUT && response.status == 200 {
                    response.set_status(204);
                    response.body.clear();
                }
            },
        ),
        response_mutant(
            "routes-delete-200",
            CLAUSE,
            "a delete is answered with 200 and a body",
            |response| {
                if response.status == 204 {
                    response.set_status(200);
                    response.set_body("application/json", "{}");
                }
            },
        ),
        request_head_mutant(
            "routes-patch",
            CLAUSE,
            "updates are PATCH requests instead of PUT",
            |head| {
                head.method = match head.method {
                    Method::PUT => Method::PATCH,
                    Method::PATCH => Method::PUT,
                    _ => return,
                };
            },
        ),
        request_head_mutant(
            "routes-without-version",
            CLAUSE,
            "the routes are under /api instead of /api/v1",
            |head| {
                let path = head.uri.to_string();
                if let Some(rest) = path.strip_prefix("/api/v1/") {
                    set_target(head, &format!("/nowhere/{rest}"));
                } else if let Some(rest) = path.strip_prefix("/api/") {
                    set_target(head, &format!("/api/v1/{rest}"));
                }
            },
        ),
        early_response_mutant(
            "routes-delete-keeps",
            CLAUSE,
            "a delete is answered with 204 but not executed",
            |head, _| (head.method == Method::DELETE).then(|| error_response(head, 204, "")),
        ),
    ]
}

fn content_types() -> Vec<Mutant> {
    vec![
        response_mutant(
            "routes-text-plain",
            CLAUSE,
            "JSON is sent as text/plain",
            |response| {
                if let Some(content_type) = response.headers.get_mut(CONTENT_TYPE) {
                    *content_type = "text/plain; charset=utf-8".parse().expect("a value");
                }
            },
        ),
        response_mutant(
            "routes-no-content-type",
            CLAUSE,
            "responses have no Content-Type",
            |response| {
                response.headers.remove(CONTENT_TYPE);
            },
        ),
        response_mutant(
            "routes-vendor-type",
            CLAUSE,
            "JSON is sent as application/vnd.api+json",
            |response| {
                if let Some(content_type) = response.headers.get_mut(CONTENT_TYPE) {
                    *content_type = "application/vnd.api+json".parse().expect("a value");
                }
            },
        ),
    ]
}

fn creates() -> Vec<Mutant> {
    vec![
        call_mutant(
            "routes-drops-password",
            CLAUSE,
            "a create does not pass on the password",
            CallFault {
                create: |it| it.password.clear(),
                ..CallFault::default()
            },
        ),
        call_mutant(
            "routes-drops-metadata",
            CLAUSE,
            "a create does not pass on the metadata",
            CallFault {
                create: |it| it.metadata.clear(),
                ..CallFault::default()
            },
        ),
        call_mutant(
            "routes-drops-empty-key",
            CLAUSE,
            "a create drops the metadata entry with an empty key",
            CallFault {
                create: |request| {
                    request.metadata.remove("");
                },
                ..CallFault::default()
            },
        ),
        call_mutant(
            "routes-trims",
            CLAUSE,
            "a create trims the name",
            CallFault {
                create: |it| it.name = it.name.trim().to_owned(),
                ..CallFault::default()
            },
        ),
        call_mutant(
            "routes-lower-case",
            CLAUSE,
            "a create puts the email in lower case",
            CallFault {
                create: |it| it.email = it.email.to_lowercase(),
                ..CallFault::default()
            },
        ),
        early_response_mutant(
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
                    .then(|| error_response(head, 400, "null is no value"))
            },
        ),
        early_response_mutant(
            "routes-refuses-missing",
            CLAUSE,
            "the gateway itself refuses a create without an email",
            |head, body| {
                let is_missing =
                    serde_json::from_slice(body).is_ok_and(|it: Value| it["email"].is_null());
                (head.method == Method::POST && is_missing)
                    .then(|| error_response(head, 400, "missing field `email`"))
            },
        ),
        request_body_mutant(
            "routes-null-is-text",
            CLAUSE,
            "a create reads null as the text `null`",
            |head, body| {
                if head.method == Method::POST {
                    change_json_object(body, |object| {
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
