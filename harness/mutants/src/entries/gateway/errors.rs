//! GWY-5: the status, the shape and the words of errors.

use std::fmt::Write as _;

use axum::http::{HeaderValue, StatusCode};
use gateway::problem::{self, Problem};
use serde_json::json;
use tonic::{Code, Status};

use super::{answers, calls, rules};
use crate::calls::Spoil;
use crate::entry::Entry;

const CLAUSE: &str = "GWY-5";

pub fn entries() -> Vec<Entry> {
    let mut all = mappings();
    all.extend(words());
    all.extend(shapes());
    all
}

/// An error for `CODE` that has the status `HTTP`, in the words that it would have otherwise.
fn mapped<const CODE: i32, const HTTP: u16>(status: &Status) -> Problem {
    let problem = problem::of_status(status);
    if status.code() as i32 == CODE {
        let status = StatusCode::from_u16(HTTP).expect("a status");
        Problem { status, ..problem }
    } else {
        problem
    }
}

/// An entry that makes something else of errors.
fn made(id: &'static str, wrong: &'static str, of: fn(&Status) -> Problem) -> Entry {
    rules(id, CLAUSE, wrong, move |it| it.problem = of)
}

fn mappings() -> Vec<Entry> {
    vec![
        made(
            "errors-invalid-422",
            "INVALID_ARGUMENT is 422",
            mapped::<3, 422>,
        ),
        made("errors-range-500", "OUT_OF_RANGE is 500", mapped::<11, 500>),
        made("errors-range-416", "OUT_OF_RANGE is 416", mapped::<11, 416>),
        made(
            "errors-unauthenticated-403",
            "UNAUTHENTICATED is 403",
            mapped::<16, 403>,
        ),
        made(
            "errors-permission-401",
            "PERMISSION_DENIED is 401",
            mapped::<7, 401>,
        ),
        made("errors-not-found-400", "NOT_FOUND is 400", mapped::<5, 400>),
        made(
            "errors-exists-400",
            "ALREADY_EXISTS is 400",
            mapped::<6, 400>,
        ),
        made("errors-aborted-500", "ABORTED is 500", mapped::<10, 500>),
        made(
            "errors-precondition-400",
            "FAILED_PRECONDITION is 400",
            mapped::<9, 400>,
        ),
        made(
            "errors-exhausted-503",
            "RESOURCE_EXHAUSTED is 503",
            mapped::<8, 503>,
        ),
        made("errors-cancelled-500", "CANCELLED is 500", mapped::<1, 500>),
        made("errors-cancelled-408", "CANCELLED is 408", mapped::<1, 408>),
        made("errors-internal-502", "INTERNAL is 502", mapped::<13, 502>),
        made("errors-unknown-502", "UNKNOWN is 502", mapped::<2, 502>),
        made(
            "errors-data-loss-503",
            "DATA_LOSS is 503",
            mapped::<15, 503>,
        ),
        made(
            "errors-unimplemented-500",
            "UNIMPLEMENTED is 500",
            mapped::<12, 500>,
        ),
        made(
            "errors-unavailable-502",
            "UNAVAILABLE is 502",
            mapped::<14, 502>,
        ),
        made(
            "errors-deadline-500",
            "DEADLINE_EXCEEDED is 500",
            mapped::<4, 500>,
        ),
        made(
            "errors-deadline-408",
            "DEADLINE_EXCEEDED is 408",
            mapped::<4, 408>,
        ),
    ]
}

/// The error for `CODE` in the words of the user service.
fn passed_on<const CODE: i32>(status: &Status) -> Problem {
    let problem = problem::of_status(status);
    if status.code() as i32 == CODE {
        Problem::new(problem.status, status.message().to_owned())
    } else {
        problem
    }
}

/// What the user service says, as `change` has it.
fn told(status: &Status, change: impl FnOnce(&str) -> String) -> Problem {
    let problem = problem::of_status(status);
    let is_passed_on = problem.message == status.message();
    let message = change(&problem.message);
    if is_passed_on {
        Problem::new(problem.status, message)
    } else {
        problem
    }
}

fn words() -> Vec<Entry> {
    vec![
        made(
            "errors-tell-internal",
            "the message of INTERNAL is told",
            passed_on::<13>,
        ),
        made(
            "errors-tell-unknown",
            "the message of UNKNOWN is told",
            passed_on::<2>,
        ),
        made(
            "errors-tell-data-loss",
            "the message of DATA_LOSS is told",
            passed_on::<15>,
        ),
        made(
            "errors-tell-unavailable",
            "the message of UNAVAILABLE is told",
            passed_on::<14>,
        ),
        made(
            "errors-tell-deadline",
            "the message of DEADLINE_EXCEEDED is told",
            passed_on::<4>,
        ),
        made(
            "errors-in-words-of-http",
            "an error is told in the words of HTTP",
            |it| {
                let problem = problem::of_status(it);
                Problem::new(
                    problem.status,
                    problem.status.canonical_reason().unwrap_or("error"),
                )
            },
        ),
        made(
            "errors-with-code",
            "the message begins with the code",
            |it| {
                told(it, |message| {
                    format!("rpc error: code = {:?} desc = {message}", it.code())
                })
            },
        ),
        made(
            "errors-not-decoded",
            "a message is shown as the wire escapes it",
            |it| {
                told(it, |message| {
                    let mut escaped = String::new();
                    for byte in message.bytes() {
                        match byte {
                            b' '..=b'~' if byte != b'%' => escaped.push(byte.into()),
                            _ => write!(escaped, "%{byte:02X}").expect("a String takes everything"),
                        }
                    }
                    escaped
                })
            },
        ),
        made(
            "errors-decoded-twice",
            "a message is unescaped twice",
            |it| told(it, crate::http::decoded),
        ),
        made("errors-for-html", "a message is escaped for HTML", |it| {
            told(it, |message| {
                message.replace('&', "&amp;").replace('<', "&lt;")
            })
        }),
        made(
            "errors-cut",
            "a message is cut after 200 characters",
            |it| told(it, |message| message.chars().take(200).collect()),
        ),
        answers(
            "errors-in-a-header",
            CLAUSE,
            "a header tells what the user service said",
            |it| {
                if it.status == 500 || it.status == 504 {
                    let said = "panic at 10.1.2.3:5432: goroutine 1 [running]";
                    it.headers
                        .insert("grpc-message", HeaderValue::from_static(said));
                }
            },
        ),
        answers(
            "errors-name-the-upstream",
            CLAUSE,
            "an error names the upstream's address",
            |it| {
                if it.status == 503 {
                    let address = std::env::var("USER_SERVICE_ADDR").unwrap_or_default();
                    if let Ok(address) = address.parse() {
                        it.headers.insert("x-upstream", address);
                    }
                }
            },
        ),
        calls(
            "errors-unreachable-is-internal",
            CLAUSE,
            "a user service that cannot be reached is an internal error",
            Spoil {
                status: |status| {
                    if gateway::client::is_of_connection(&status) {
                        Status::new(Code::Internal, "connection refused")
                    } else {
                        status
                    }
                },
                ..Spoil::default()
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
            |it| {
                if it.is_error() {
                    it.json(|body| *body = json!({ "message": body["error"] }));
                }
            },
        ),
        answers("errors-as-objects", CLAUSE, "an error is an object", |it| {
            if it.is_error() {
                let code = it.status.as_u16();
                it.json(|body| {
                    *body = json!({ "error": { "code": code, "message": body["error"] } });
                });
            }
        }),
        answers(
            "errors-with-status",
            CLAUSE,
            "an error holds its status too",
            |it| {
                if it.is_error() {
                    let code = it.status.as_u16();
                    it.json(|body| body["status"] = code.into());
                }
            },
        ),
        answers(
            "errors-with-stack",
            CLAUSE,
            "a 500 holds a stack trace",
            |it| {
                if it.status == 500 {
                    it.json(|body| body["stack"] = "at Gateway.get (app.js:17)".into());
                }
            },
        ),
        answers(
            "errors-as-problems",
            CLAUSE,
            "an error is application/problem+json",
            |it| {
                if it.is_error() {
                    let body = std::mem::take(&mut it.body);
                    it.text("application/problem+json", body);
                }
            },
        ),
        answers(
            "errors-of-router-plain",
            CLAUSE,
            "the router's own errors are plain text",
            |it| {
                if it.status == 404 && !it.uri.path().starts_with("/api/v1/users/")
                    || it.status == 405
                {
                    it.text("text/plain", "404 page not found\n");
                }
            },
        ),
    ]
}
