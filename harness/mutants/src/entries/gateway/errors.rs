//! GWY-5: the status, the shape and the words of errors.

use axum::http::HeaderValue;
use serde_json::json;
use tonic::{Code, Status};

use super::{answers, calls};
use crate::calls::CallFault;
use crate::entry::Entry;

const CLAUSE: &str = "GWY-5";

pub fn entries() -> Vec<Entry> {
    let mut all = words();
    all.extend(shapes());
    all
}

fn words() -> Vec<Entry> {
    vec![
        answers(
            "errors-in-a-header",
            CLAUSE,
            "a header holds the message of the user service",
            |answer| {
                if answer.status == 500 || answer.status == 504 {
                    let said = "panic at 10.1.2.3:5432: goroutine 1 [running]";
                    answer
                        .headers
                        .insert("grpc-message", HeaderValue::from_static(said));
                }
            },
        ),
        answers(
            "errors-name-the-upstream",
            CLAUSE,
            "an error names the upstream's address",
            |answer| {
                if answer.status == 503 {
                    let address = std::env::var("USER_SERVICE_ADDR").unwrap_or_default();
                    if let Ok(address) = address.parse() {
                        answer.headers.insert("x-upstream", address);
                    }
                }
            },
        ),
        calls(
            "errors-unreachable-is-internal",
            CLAUSE,
            "a user service that cannot be reached is an internal error",
            CallFault {
                status: |status| {
                    if gateway::client::is_transport_error(&status) {
                        Status::new(Code::Internal, "connection refused")
                    } else {
                        status
                    }
                },
                ..CallFault::default()
            },
        ),
    ]
}

fn shapes() -> Vec<Entry> {
    vec![
        answers(
            "errors-called-message",
            CLAUSE,
            "an error is called message",
            |answer| {
                if answer.is_error() {
                    answer.json(|body| *body = json!({ "message": body["error"] }));
                }
            },
        ),
        answers(
            "errors-as-objects",
            CLAUSE,
            "an error is an object",
            |answer| {
                if answer.is_error() {
                    let code = answer.status.as_u16();
                    answer.json(|body| {
                        *body = json!({ "error": { "code": code, "message": body["error"] } });
                    });
                }
            },
        ),
        answers(
            "errors-with-stack",
            CLAUSE,
            "a 500 holds the stack trace that the user service sent",
            |answer| {
                if answer.status == 500 {
                    let stack = "panic at 10.1.2.3:5432: goroutine 1 [running]";
                    answer.json(|body| body["stack"] = stack.into());
                }
            },
        ),
        answers(
            "errors-as-problems",
            CLAUSE,
            "an error is application/problem+json",
            |answer| {
                if answer.is_error() {
                    let body = std::mem::take(&mut answer.body);
                    answer.text("application/problem+json", body);
                }
            },
        ),
        answers(
            "errors-of-router-plain",
            CLAUSE,
            "the router's own errors are plain text",
            |answer| {
                if answer.status == 404 && !answer.uri.path().starts_with("/api/v1/users/")
                    || answer.status == 405
                {
                    answer.text("text/plain", "404 page not found\n");
                }
            },
        ),
    ]
}
