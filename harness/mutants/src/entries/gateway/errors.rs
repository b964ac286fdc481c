//! GWY-5: the status, format and message of errors.

use axum::http::HeaderValue;
use serde_json::json;
use tonic::{Code, Status};

use super::{call_mutant, response_mutant};
use crate::gateway_calls::CallFault;
use crate::mutant::Mutant;

const CLAUSE: &str = "GWY-5";

pub fn mutants() -> Vec<Mutant> {
    let mut all = leaks();
    all.extend(formats());
    all
}

fn leaks() -> Vec<Mutant> {
    vec![
        response_mutant(
            "errors-in-a-header",
            CLAUSE,
            "a response header contains the error message of the user service",
            |response| {
                if response.status == 500 || response.status == 504 {
                    let message = "panic at 10.1.2.3:5432: goroutine 1 [running]";
                    response
                        .headers
                        .insert("grpc-message", HeaderValue::from_static(message));
                }
            },
        ),
        response_mutant(
            "errors-name-the-upstream",
            CLAUSE,
            "a 503 response names the address of the user service",
            |response| {
                if response.status == 503 {
                    let address = std::env::var("USER_SERVICE_ADDR").unwrap_or_default();
                    if let Ok(address) = address.parse() {
                        response.headers.insert("x-upstream", address);
                    }
                }
            },
        ),
        call_mutant(
            "errors-unreachable-is-internal",
            CLAUSE,
            "an unreachable user service is an internal error",
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

fn formats() -> Vec<Mutant> {
    vec![
        response_mutant(
            "errors-called-message",
            CLAUSE,
            "the member `error` is called `message`",
            |response| {
                if response.is_error() {
                    response.change_json(|body| *body = json!({ "message": body["error"] }));
                }
            },
        ),
        response_mutant(
            "errors-as-objects",
            CLAUSE,
            "the member `error` is an object",
            |response| {
                if response.is_error() {
                    let code = response.status.as_u16();
                    response.change_json(|body| {
                        *body = json!({ "error": { "code": code, "message": body["error"] } });
                    });
                }
            },
        ),
        response_mutant(
            "errors-with-stack",
            CLAUSE,
            "a 500 response contains the stack trace of the user service",
            |response| {
                if response.status == 500 {
                    let stack = "panic at 10.1.2.3:5432: goroutine 1 [running]";
                    response.change_json(|body| body["stack"] = stack.into());
                }
            },
        ),
        response_mutant(
            "errors-as-problems",
            CLAUSE,
            "the Content-Type of errors is application/problem+json",
            |response| {
                if response.is_error() {
                    let body = std::mem::take(&mut response.body);
                    response.set_body("application/problem+json", body);
                }
            },
        ),
        response_mutant(
            "errors-of-router-plain",
            CLAUSE,
            "errors for unknown routes and methods are plain text",
            |response| {
                if response.status == 404 && !response.uri.path().starts_with("/api/v1/users/")
                    || response.status == 405
                {
                    response.set_body("text/plain", "404 page not found\n");
                }
            },
        ),
    ]
}
