//! GWY-7: request ids.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderValue;
use axum::http::request::Parts as Head;
use platform::request_id::is_sane;

use super::{answers, calls, heads};
use crate::calls::CallFault;
use crate::entry::{Entry, How};
use crate::http::Answer;

const CLAUSE: &str = "GWY-7";
const HEADER: &str = "x-request-id";

pub fn entries() -> Vec<Entry> {
    let mut all = accepted();
    all.extend(of_responses());
    all.extend(passed_on());
    all
}

/// Changes the id that a request carries.
fn sent(head: &mut Head, change: impl FnOnce(&str) -> String) {
    let Some(id) = head.headers.get(HEADER) else {
        return;
    };
    let id = id.to_str().map(change).unwrap_or_default();
    if let Ok(id) = id.parse() {
        head.headers.insert(HEADER, id);
    }
}

fn accepted() -> Vec<Entry> {
    vec![
        heads(
            "request-id-cut",
            CLAUSE,
            "an id is cut to 128 characters",
            |head| {
                sent(head, |it| it.chars().take(128).collect());
            },
        ),
        heads(
            "request-id-lower-case",
            CLAUSE,
            "an id is put in lower case",
            |head| {
                sent(head, str::to_lowercase);
            },
        ),
        heads(
            "request-id-joined",
            CLAUSE,
            "blanks are taken out of an id",
            |head| {
                sent(head, |it| it.replace([' ', '\t'], ""));
            },
        ),
        heads(
            "request-id-constant",
            CLAUSE,
            "an id that is made is always the same",
            |head| {
                let valid = head
                    .headers
                    .get(HEADER)
                    .and_then(|it| it.to_str().ok())
                    .is_some_and(is_sane);
                if !valid {
                    head.headers
                        .insert(HEADER, HeaderValue::from_static("req-1"));
                }
            },
        ),
        heads(
            "request-id-of-seconds",
            CLAUSE,
            "an id that is made is the second",
            |head| {
                if !head.headers.contains_key(HEADER) {
                    let id = chrono::Utc::now().timestamp().to_string();
                    head.headers.insert(HEADER, id.parse().expect("digits"));
                }
            },
        ),
    ]
}

/// An entry whose answers carry no id in some cases.
fn silent(id: &'static str, wrong: &'static str, change: fn(&mut Answer)) -> Entry {
    answers(id, CLAUSE, wrong, change)
}

fn of_responses() -> Vec<Entry> {
    vec![
        silent("request-id-not-told", "no answer carries an id", |answer| {
            answer.headers.remove(HEADER);
        }),
        silent("request-id-not-on-errors", "errors carry no id", |answer| {
            if answer.is_error() {
                answer.headers.remove(HEADER);
            }
        }),
        silent(
            "request-id-not-on-404",
            "an unknown route carries no id",
            |answer| {
                if answer.status == 404 && !answer.uri.path().starts_with("/api/v1/users") {
                    answer.headers.remove(HEADER);
                }
            },
        ),
        silent("request-id-not-on-405", "405 carries no id", |answer| {
            if answer.status == 405 {
                answer.headers.remove(HEADER);
            }
        }),
        silent("request-id-not-on-204", "204 carries no id", |answer| {
            if answer.status == 204 {
                answer.headers.remove(HEADER);
            }
        }),
        silent("request-id-not-on-413", "413 carries no id", |answer| {
            if answer.status == 413 {
                answer.headers.remove(HEADER);
            }
        }),
        silent("request-id-not-on-503", "503 carries no id", |answer| {
            if answer.status == 503 {
                answer.headers.remove(HEADER);
            }
        }),
        silent("request-id-not-on-504", "504 carries no id", |answer| {
            if answer.status == 504 {
                answer.headers.remove(HEADER);
            }
        }),
        silent(
            "request-id-of-answers",
            "an answer has an id of its own",
            |answer| {
                answer
                    .headers
                    .insert(HEADER, HeaderValue::from_static("of-the-answer"));
            },
        ),
    ]
}

/// How many calls were made.
static CALLS: AtomicU64 = AtomicU64::new(0);

fn passed_on() -> Vec<Entry> {
    vec![
        calls(
            "request-id-of-calls",
            CLAUSE,
            "every try has an id of its own",
            CallFault {
                context: |context| {
                    let number = CALLS.fetch_add(1, Ordering::Relaxed);
                    context.request_id = format!("call-{number}").parse().expect("a value");
                },
                ..CallFault::default()
            },
        ),
        calls(
            "request-id-of-tries",
            CLAUSE,
            "every try after the first has another id",
            CallFault {
                context: |context| {
                    let mut id = context.request_id.as_bytes().to_vec();
                    if !CALLS.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) {
                        id.extend(b"-again");
                    }
                    context.request_id = HeaderValue::from_bytes(&id).expect("a value");
                },
                ..CallFault::default()
            },
        ),
        calls(
            "request-id-not-called",
            CLAUSE,
            "calls carry an empty id",
            CallFault {
                context: |context| context.request_id = HeaderValue::from_static(""),
                ..CallFault::default()
            },
        ),
        Entry::of_gateway(
            "request-id-not-logged",
            CLAUSE,
            "the log does not hold the id",
            How::Output(|line| Some(line.replace("\"request_id\"", "\"request\""))),
        ),
        Entry::of_gateway(
            "request-id-logged-in-part",
            CLAUSE,
            "the log holds the first 36 characters of the id",
            How::Output(|line| {
                let Ok(mut event) = serde_json::from_str::<serde_json::Value>(&line) else {
                    return Some(line);
                };
                if let Some(id) = event.get("request_id").and_then(|it| it.as_str()) {
                    event["request_id"] = id.chars().take(36).collect::<String>().into();
                }
                Some(event.to_string())
            }),
        ),
    ]
}
