//! GWY-7: request ids.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderValue;
use axum::http::request::Parts as Head;
use platform::request_id::is_valid;

use super::{call_mutant, request_head_mutant, response_mutant};
use crate::gateway_calls::CallFault;
use crate::http::BufferedResponse;
use crate::mutant::{Fault, Mutant};

const CLAUSE: &str = "GWY-7";
const HEADER: &str = "x-request-id";

pub fn mutants() -> Vec<Mutant> {
    let mut all = request_faults();
    all.extend(response_faults());
    all.extend(call_faults());
    all
}

/// Changes the id in a request's header.
fn change_request_id(head: &mut Head, change: impl FnOnce(&str) -> String) {
    let Some(id) = head.headers.get(HEADER) else {
        return;
    };
    let id = id.to_str().map(change).unwrap_or_default();
    if let Ok(id) = id.parse() {
        head.headers.insert(HEADER, id);
    }
}

fn request_faults() -> Vec<Mutant> {
    vec![
        request_head_mutant(
            "request-id-cut",
            CLAUSE,
            "a request id is truncated to 128 characters",
            |head| {
                change_request_id(head, |it| it.chars().take(128).collect());
            },
        ),
        request_head_mutant(
            "request-id-lower-case",
            CLAUSE,
            "a request id is put in lower case",
            |head| {
                change_request_id(head, str::to_lowercase);
            },
        ),
        request_head_mutant(
            "request-id-joined",
            CLAUSE,
            "white space is removed from a request id",
            |head| {
                change_request_id(head, |it| it.replace([' ', '\t'], ""));
            },
        ),
        request_head_mutant(
            "request-id-constant",
            CLAUSE,
            "generated request ids are always the same",
            |head| {
                let valid = head
                    .headers
                    .get(HEADER)
                    .and_then(|it| it.to_str().ok())
                    .is_some_and(is_valid);
                if !valid {
                    head.headers
                        .insert(HEADER, HeaderValue::from_static("req-1"));
                }
            },
        ),
        request_head_mutant(
            "request-id-of-seconds",
            CLAUSE,
            "a generated request id is the Unix time in seconds",
            |head| {
                if !head.headers.contains_key(HEADER) {
                    let id = chrono::Utc::now().timestamp().to_string();
                    head.headers.insert(HEADER, id.parse().expect("digits"));
                }
            },
        ),
    ]
}

/// A mutant that changes or removes the id of responses.
fn response_id_mutant(
    id: &'static str,
    wrong: &'static str,
    change: fn(&mut BufferedResponse),
) -> Mutant {
    response_mutant(id, CLAUSE, wrong, change)
}

fn response_faults() -> Vec<Mutant> {
    vec![
        response_id_mutant(
            "request-id-not-returned",
            "no response has a request id",
            |response| {
                response.headers.remove(HEADER);
            },
        ),
        response_id_mutant(
            "request-id-not-on-errors",
            "error responses have no request id",
            |response| {
                if response.is_error() {
                    response.headers.remove(HEADER);
                }
            },
        ),
        response_id_mutant(
            "request-id-not-on-404",
            "the 404 of an unknown route has no request id",
            |response| {
                if response.status == 404 && !response.uri.path().starts_with("/api/v1/users") {
                    response.headers.remove(HEADER);
                }
            },
        ),
        response_id_mutant(
            "request-id-not-on-405",
            "a 405 response has no request id",
            |response| {
                if response.status == 405 {
                    response.headers.remove(HEADER);
                }
            },
        ),
        response_id_mutant(
            "request-id-not-on-204",
            "a 204 response has no request id",
            |response| {
                if response.status == 204 {
                    response.headers.remove(HEADER);
                }
            },
        ),
        response_id_mutant(
            "request-id-not-on-413",
            "a 413 response has no request id",
            |response| {
                if response.status == 413 {
                    response.headers.remove(HEADER);
                }
            },
        ),
        response_id_mutant(
            "request-id-not-on-503",
            "a 503 response has no request id",
            |response| {
                if response.status == 503 {
                    response.headers.remove(HEADER);
                }
            },
        ),
        response_id_mutant(
            "request-id-not-on-504",
            "a 504 response has no request id",
            |response| {
                if response.status == 504 {
                    response.headers.remove(HEADER);
                }
            },
        ),
        response_id_mutant(
            "request-id-of-answers",
            "a response has another request id than the request",
            |response| {
                response
                    .headers
                    .insert(HEADER, HeaderValue::from_static("of-the-answer"));
            },
        ),
    ]
}

/// The number of attempts of calls so far.
static ATTEMPTS: AtomicU64 = AtomicU64::new(0);

fn call_faults() -> Vec<Mutant> {
    vec![
        call_mutant(
            "request-id-of-calls",
            CLAUSE,
            "every attempt of a call has its own request id",
            CallFault {
                context: |context| {
                    let number = ATTEMPTS.fetch_add(1, Ordering::Relaxed);
                    context.request_id = format!("call-{number}").parse().expect("a value");
                },
                ..CallFault::default()
            },
        ),
        call_mutant(
            "request-id-of-tries",
            CLAUSE,
            "attempts after the first have another request id",
            CallFault {
                context: |context| {
                    let mut id = context.request_id.as_bytes().to_vec();
                    if !ATTEMPTS.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) {
                        id.extend(b"-again");
                    }
                    context.request_id = HeaderValue::from_bytes(&id).expect("a value");
                },
                ..CallFault::default()
            },
        ),
        call_mutant(
            "request-id-not-called",
            CLAUSE,
            "calls have an empty request id",
            CallFault {
                context: |context| context.request_id = HeaderValue::from_static(""),
                ..CallFault::default()
            },
        ),
        Mutant::for_gateway(
            "request-id-not-logged",
            CLAUSE,
            "the log does not contain the request id",
            Fault::Output(|line| Some(line.replace("\"request_id\"", "\"request\""))),
        ),
        Mutant::for_gateway(
            "request-id-logged-in-part",
            CLAUSE,
            "the log contains only the first 36 characters of the request id",
            Fault::Output(|line| {
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
