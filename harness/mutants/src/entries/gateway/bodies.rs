//! GWY-6: bodies that cannot be used.

use axum::body::Bytes;
use axum::http::request::Parts as Head;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{answers, instead, reads};
use crate::entry::Entry;
use crate::http::{objects, refused};

const CLAUSE: &str = "GWY-6";

pub fn entries() -> Vec<Entry> {
    let mut all = refusals();
    all.extend(lenient());
    all.extend(strict());
    all.extend(careless());
    all
}

fn is_body_refused(it: &crate::http::Answer) -> bool {
    let body = String::from_utf8_lossy(&it.body);
    it.status == 400 && body.contains("the body")
}

fn refusals() -> Vec<Entry> {
    vec![
        answers(
            "bodies-wrong-500",
            CLAUSE,
            "a body that cannot be used is 500, as the sample has it",
            |answer| {
                if is_body_refused(answer) {
                    answer.status = StatusCode::INTERNAL_SERVER_ERROR;
                }
            },
        ),
        answers(
            "bodies-wrong-type-422",
            CLAUSE,
            "a member of the wrong type is 422",
            |answer| {
                let body = String::from_utf8_lossy(&answer.body);
                if answer.status == 400 && body.contains("invalid type") {
                    answer.status = StatusCode::UNPROCESSABLE_ENTITY;
                }
            },
        ),
        answers(
            "bodies-no-json-415",
            CLAUSE,
            "a body that is no JSON is 415",
            |answer| {
                let body = String::from_utf8_lossy(&answer.body);
                if answer.status == 400 && body.contains("is no JSON") {
                    answer.status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                }
            },
        ),
        answers(
            "bodies-wrong-silent",
            CLAUSE,
            "a body that cannot be used is refused without a word",
            |answer| {
                if is_body_refused(answer) {
                    answer.body.clear();
                }
            },
        ),
    ]
}

fn text(value: &Value) -> Option<Value> {
    match value {
        Value::Number(it) => Some(it.to_string().into()),
        Value::Bool(it) => Some(it.to_string().into()),
        _ => None,
    }
}

fn coerced(members: &mut Map<String, Value>) {
    for value in members.values_mut() {
        if let Some(text) = text(value) {
            *value = text;
        }
    }
}

fn lenient() -> Vec<Entry> {
    vec![
        reads(
            "bodies-coerced",
            CLAUSE,
            "numbers and truth values are taken for text",
            |_, body| objects(body, coerced),
        ),
        reads(
            "bodies-coerced-metadata",
            CLAUSE,
            "values of metadata are made text",
            |_, body| {
                objects(body, |object| {
                    if let Some(metadata) =
                        object.get_mut("metadata").and_then(Value::as_object_mut)
                    {
                        coerced(metadata);
                        metadata.retain(|_, value| !value.is_object());
                    }
                });
            },
        ),
        reads(
            "bodies-lists-as-metadata",
            CLAUSE,
            "a list is taken for metadata, its places for keys",
            |_, body| {
                objects(body, |object| {
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
        reads(
            "bodies-lists-of-one",
            CLAUSE,
            "a list of one is taken for what is in it",
            |_, body| {
                if let Ok([one]) = serde_json::from_slice::<[Value; 1]>(body) {
                    *body = one.to_string().into();
                }
            },
        ),
        reads(
            "bodies-cut-off",
            CLAUSE,
            "a body that lacks its last brace is taken",
            |_, body| {
                if body.starts_with(b"{") && !body.ends_with(b"}") {
                    body.push(b'}');
                }
            },
        ),
        reads(
            "bodies-single-quotes",
            CLAUSE,
            "text may stand in single quotes",
            |_, body| {
                if !body.contains(&b'"') {
                    for byte in body.iter_mut().filter(|it| **it == b'\'') {
                        *byte = b'"';
                    }
                }
            },
        ),
        reads(
            "bodies-of-forms",
            CLAUSE,
            "a body may be that of a form",
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

/// The members of an object that is sent.
fn members(body: &Bytes) -> Map<String, Value> {
    serde_json::from_slice(body).unwrap_or_default()
}

fn strict() -> Vec<Entry> {
    const KNOWN: [&str; 5] = ["email", "name", "password", "metadata", "status"];
    vec![
        instead(
            "bodies-unknown-refused",
            CLAUSE,
            "an unknown member is refused",
            |head, body| {
                let is_refused = members(body)
                    .keys()
                    .any(|it| !KNOWN.contains(&it.as_str()) && it != "filler");
                is_refused.then(|| refused(head, 400, "unknown member"))
            },
        ),
        reads(
            "bodies-id-counts",
            CLAUSE,
            "an id in the body is that of the user",
            |head, body| {
                if head.method == Method::PUT {
                    objects(body, |object| {
                        if let Some(id) = object.remove("id") {
                            object.insert("name".to_owned(), id);
                        }
                    });
                }
            },
        ),
    ]
}

/// An entry that fails on input that the contract leaves free.
fn over(id: &'static str, wrong: &'static str, is_refused: fn(&Head, &Bytes) -> bool) -> Entry {
    super::replaced(id, CLAUSE, wrong, move |dependencies| {
        crate::http::instead(&mut dependencies.wrap_http, move |head, body| {
            fails(head, is_refused(head, body))
        });
    })
}

fn fails(head: &Head, is_refused: bool) -> Option<Response> {
    is_refused.then(|| refused(head, 500, "internal server error"))
}

fn careless() -> Vec<Entry> {
    vec![
        over("bodies-head-500", "HEAD is 500", |head, _| {
            head.method == Method::HEAD
        }),
        over("bodies-options-501", "OPTIONS is 500", |head, _| {
            head.method == Method::OPTIONS
        }),
        over(
            "bodies-slash-500",
            "a slash at the end is 500",
            |head, _| head.uri.path().starts_with("/api/") && head.uri.path().ends_with('/'),
        ),
        over("bodies-query-500", "a malformed query is 500", |head, _| {
            head.uri
                .query()
                .is_some_and(|it| it.contains("&&") || it.contains("%FF"))
        }),
        over(
            "bodies-surrogates-500",
            "a lone surrogate is 500",
            |_, body| body.windows(5).any(|it| it == b"\\ud80"),
        ),
        over("bodies-null-500", "null as the body is 500", |_, body| {
            body.as_ref() == b"null"
        }),
        over(
            "bodies-null-value-500",
            "null within metadata is 500",
            |_, body| {
                let found = members(body);
                let metadata = found.get("metadata").and_then(Value::as_object);
                metadata.is_some_and(|it| it.values().any(Value::is_null))
            },
        ),
        over(
            "bodies-no-utf8-500",
            "what is no UTF-8 is 500",
            |_, body| std::str::from_utf8(body).is_err(),
        ),
        over(
            "bodies-no-type-500",
            "without a Content-Type it is 500",
            |head, body| !body.is_empty() && !head.headers.contains_key("content-type"),
        ),
        over(
            "bodies-text-after-500",
            "text after the value is 500",
            |_, body| body.ends_with(b"} and more"),
        ),
        over(
            "bodies-upper-case-500",
            "members in upper case are 500",
            |_, body| members(body).contains_key("NAME"),
        ),
        instead(
            "bodies-shown",
            CLAUSE,
            "a body that is no object is shown as it is",
            |head, body| {
                let body: Value = serde_json::from_slice(body).ok()?;
                let is_create = head.method == Method::POST && !body.is_object() && !body.is_null();
                is_create.then(|| {
                    let mut answer = refused(head, 201, "");
                    *answer.body_mut() = json!({ "user": body }).to_string().into();
                    answer
                })
            },
        ),
    ]
}
