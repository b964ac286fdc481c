//! GWY-6: invalid request bodies.

use axum::body::Bytes;
use axum::http::request::Parts as Head;
use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{early_response_mutant, request_body_mutant, response_mutant};
use crate::http::{change_json_object, error_response};
use crate::mutant::Mutant;

const CLAUSE: &str = "GWY-6";

pub fn mutants() -> Vec<Mutant> {
    let mut all = refusals();
    all.extend(accepted());
    all.extend(unknown_members());
    all.extend(internal_errors());
    all
}

/// Whether a response refuses the request's body.
fn is_body_refusal(response: &crate::http::BufferedResponse) -> bool {
    let body = String::from_utf8_lossy(&response.body);
    response.status == 400 && body.contains("the body")
}

fn refusals() -> Vec<Mutant> {
    vec![
        response_mutant(
            "bodies-wrong-500",
            CLAUSE,
            "an invalid body is 500",
            |response| {
                if is_body_refusal(response) {
                    response.status = StatusCode::INTERNAL_SERVER_ERROR;
                }
            },
        ),
        response_mutant(
            "bodies-wrong-type-422",
            CLAUSE,
            "a member of the wrong type is 422",
            |response| {
                let body = String::from_utf8_lossy(&response.body);
                if response.status == 400 && body.contains("invalid type") {
                    response.status = StatusCode::UNPROCESSABLE_ENTITY;
                }
            },
        ),
        response_mutant(
            "bodies-no-json-415",
            CLAUSE,
            "a body that is not JSON is 415",
            |response| {
                let body = String::from_utf8_lossy(&response.body);
                if response.status == 400 && body.contains("is no JSON") {
                    response.status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                }
            },
        ),
        response_mutant(
            "bodies-wrong-silent",
            CLAUSE,
            "an invalid body is refused without a message",
            |response| {
                if is_body_refusal(response) {
                    response.body.clear();
                }
            },
        ),
    ]
}

/// Converts a number or boolean to text.
fn to_text(value: &Value) -> Option<Value> {
    match value {
        Value::Number(it) => Some(it.to_string().into()),
        Value::Bool(it) => Some(it.to_string().into()),
        _ => None,
    }
}

/// Converts numbers and booleans to text.
fn coerce_to_text(members: &mut Map<String, Value>) {
    for value in members.values_mut() {
        if let Some(text) = to_text(value) {
            *value = text;
        }
    }
}

fn accepted() -> Vec<Mutant> {
    vec![
        request_body_mutant(
            "bodies-coerced",
            CLAUSE,
            "numbers and booleans are accepted as text",
            |_, body| change_json_object(body, coerce_to_text),
        ),
        request_body_mutant(
            "bodies-coerced-metadata",
            CLAUSE,
            "metadata values of other types are converted to text",
            |_, body| {
                change_json_object(body, |object| {
                    if let Some(metadata) =
                        object.get_mut("metadata").and_then(Value::as_object_mut)
                    {
                        coerce_to_text(metadata);
                        metadata.retain(|_, value| !value.is_object());
                    }
                });
            },
        ),
        request_body_mutant(
            "bodies-lists-as-metadata",
            CLAUSE,
            "a list is accepted as metadata, with its indexes as keys",
            |_, body| {
                change_json_object(body, |object| {
                    let Some(Value::Array(list)) = object.get("metadata") else {
                        return;
                    };
                    let entries = list.iter().enumerate();
                    let entries = entries.map(|(key, value)| (key.to_string(), value.clone()));
                    let entries: Map<String, Value> = entries.collect();
                    object.insert("metadata".to_owned(), entries.into());
                });
            },
        ),
        request_body_mutant(
            "bodies-lists-of-one",
            CLAUSE,
            "a body that is a list of one value is read as that value",
            |_, body| {
                if let Ok([one]) = serde_json::from_slice::<[Value; 1]>(body) {
                    *body = one.to_string().into();
                }
            },
        ),
        request_body_mutant(
            "bodies-cut-off",
            CLAUSE,
            "a body without its closing brace is accepted",
            |_, body| {
                if body.starts_with(b"{") && !body.ends_with(b"}") {
                    body.push(b'}');
                }
            },
        ),
        request_body_mutant(
            "bodies-single-quotes",
            CLAUSE,
            "strings in single quotes are accepted",
            |_, body| {
                if !body.contains(&b'"') {
                    for byte in body.iter_mut().filter(|it| **it == b'\'') {
                        *byte = b'"';
                    }
                }
            },
        ),
        request_body_mutant(
            "bodies-of-forms",
            CLAUSE,
            "a URL-encoded form is accepted as a body",
            |_, body| {
                let Ok(form) = std::str::from_utf8(body) else {
                    return;
                };
                let pairs = form.split('&').map(|it| it.split_once('='));
                let members: Option<Map<String, Value>> = pairs
                    .map(|it| it.map(|(name, value)| (name.to_owned(), value.into())))
                    .collect();
                if let Some(members) = members.filter(|_| !form.contains(['"', '<', '\''])) {
                    *body = Value::Object(members).to_string().into();
                }
            },
        ),
    ]
}

/// The members of a JSON object in a body; none if the body is not an object.
fn members(body: &Bytes) -> Map<String, Value> {
    serde_json::from_slice(body).unwrap_or_default()
}

fn unknown_members() -> Vec<Mutant> {
    const KNOWN_MEMBERS: [&str; 5] = ["email", "name", "password", "metadata", "status"];
    vec![
        early_response_mutant(
            "bodies-unknown-refused",
            CLAUSE,
            "an unknown member is refused",
            |head, body| {
                let is_refused = members(body)
                    .keys()
                    .any(|it| !KNOWN_MEMBERS.contains(&it.as_str()) && it != "filler");
                is_refused.then(|| error_response(head, 400, "unknown member"))
            },
        ),
        request_body_mutant(
            "bodies-id-counts",
            CLAUSE,
            "a member `id` in the body of an update changes the user",
            |head, body| {
                if head.method == Method::PUT {
                    change_json_object(body, |object| {
                        if let Some(id) = object.remove("id") {
                            object.insert("name".to_owned(), id);
                        }
                    });
                }
            },
        ),
    ]
}

/// A mutant that answers 500 to requests for which `fails` returns true.
fn internal_error_mutant(
    id: &'static str,
    wrong: &'static str,
    fails: fn(&Head, &Bytes) -> bool,
) -> Mutant {
    super::gateway_mutant(id, CLAUSE, wrong, move |dependencies| {
        crate::http::respond_early(&mut dependencies.wrap_http, move |head, body| {
            fails(head, body).then(|| error_response(head, 500, "internal server error"))
        });
    })
}

fn internal_errors() -> Vec<Mutant> {
    vec![
        internal_error_mutant("bodies-head-500", "HEAD is 500", |head, _| {
            head.method == Method::HEAD
        }),
        internal_error_mutant("bodies-options-501", "OPTIONS is 500", |head, _| {
            head.method == Method::OPTIONS
        }),
        internal_error_mutant(
            "bodies-slash-500",
            "a path with a trailing slash is 500",
            |head, _| head.uri.path().starts_with("/api/") && head.uri.path().ends_with('/'),
        ),
        internal_error_mutant("bodies-query-500", "a malformed query is 500", |head, _| {
            head.uri
                .query()
                .is_some_and(|it| it.contains("&&") || it.contains("%FF"))
        }),
        internal_error_mutant(
            "bodies-surrogates-500",
            "a lone surrogate in a body is 500",
            |_, body| body.windows(5).any(|it| it == b"\\ud80"),
        ),
        internal_error_mutant("bodies-null-500", "a body of `null` is 500", |_, body| {
            body.as_ref() == b"null"
        }),
        internal_error_mutant(
            "bodies-null-value-500",
            "a null value in metadata is 500",
            |_, body| {
                let found = members(body);
                let metadata = found.get("metadata").and_then(Value::as_object);
                metadata.is_some_and(|it| it.values().any(Value::is_null))
            },
        ),
        internal_error_mutant(
            "bodies-no-utf8-500",
            "a body that is not valid UTF-8 is 500",
            |_, body| std::str::from_utf8(body).is_err(),
        ),
        internal_error_mutant(
            "bodies-no-type-500",
            "a body without a Content-Type is 500",
            |head, body| !body.is_empty() && !head.headers.contains_key("content-type"),
        ),
        internal_error_mutant(
            "bodies-text-after-500",
            "text after the JSON value is 500",
            |_, body| body.ends_with(b"} and more"),
        ),
        internal_error_mutant(
            "bodies-upper-case-500",
            "members in upper case are 500",
            |_, body| members(body).contains_key("NAME"),
        ),
        early_response_mutant(
            "bodies-shown",
            CLAUSE,
            "a create whose body is not an object returns that body as the user",
            |head, body| {
                let body: Value = serde_json::from_slice(body).ok()?;
                let is_create = head.method == Method::POST && !body.is_object() && !body.is_null();
                is_create.then(|| {
                    let mut response = error_response(head, 201, "");
                    *response.body_mut() = json!({ "user": body }).to_string().into();
                    response
                })
            },
        ),
    ]
}
