//! GWY-5: unexpected responses of the user service.

use serde_json::{Value, json};
use tonic::{Code, Status};

use super::{call_mutant, early_response_mutant, response_mutant};
use crate::gateway_calls::CallFault;
use crate::http::BufferedResponse;
use crate::mutant::Mutant;

const CLAUSE: &str = "GWY-5";

pub fn mutants() -> Vec<Mutant> {
    vec![
        call_mutant(
            "upstream-no-id",
            CLAUSE,
            "a user without an id closes the client's connection",
            CallFault {
                user: |user| assert!(!user.id.is_empty(), "a user has an id"),
                ..CallFault::default()
            },
        ),
        call_mutant(
            "upstream-unknown-status",
            CLAUSE,
            "a user with an unknown status closes the client's connection",
            CallFault {
                user: |user| assert!(user.status < 4, "a status is known"),
                ..CallFault::default()
            },
        ),
        response_mutant(
            "upstream-no-user",
            CLAUSE,
            "a response without a user is shown as null",
            |response| {
                // The cause of a 500 is unknown here, so every 500 is changed.
                if response.status == 500 {
                    set_success(response, json!({ "user": null }));
                }
            },
        ),
        call_mutant(
            "upstream-garbage-is-the-clients",
            CLAUSE,
            "a response of the user service that cannot be decoded is a client error",
            CallFault {
                status: |status| match status.code() {
                    Code::Internal if !status.message().is_empty() => {
                        Status::invalid_argument("cannot decode")
                    }
                    _ => status,
                },
                ..CallFault::default()
            },
        ),
        call_mutant(
            "upstream-strange-panics",
            CLAUSE,
            "an unexpected status of the user service closes the client's connection",
            CallFault {
                status: |status| {
                    let is_strange = matches!(
                        status.code(),
                        Code::Internal | Code::Unknown | Code::Unavailable | Code::Unimplemented
                    );
                    assert!(!is_strange, "the user service answers as it should");
                    status
                },
                ..CallFault::default()
            },
        ),
        call_mutant(
            "upstream-long-messages-panic",
            CLAUSE,
            "a long error message closes the client's connection",
            CallFault {
                status: |status| {
                    assert!(status.message().len() < 40_000, "a message is short");
                    status
                },
                ..CallFault::default()
            },
        ),
        call_mutant(
            "upstream-percents-panic",
            CLAUSE,
            "an error message with malformed escapes closes the client's connection",
            CallFault {
                status: |status| {
                    let message = status.message();
                    let is_unusual = message.contains("%zz") || message.contains('\u{fffd}');
                    assert!(!is_unusual, "a message is well escaped");
                    status
                },
                ..CallFault::default()
            },
        ),
        response_mutant(
            "upstream-empty-messages",
            CLAUSE,
            "an error with an empty message has the body `null`",
            |response| {
                if response.is_error() {
                    response.change_json(|body| {
                        if body["error"] == "" {
                            *body = Value::Null;
                        }
                    });
                }
            },
        ),
        response_mutant(
            "upstream-bad-gateway",
            CLAUSE,
            "an unavailable user service is a 502 page in HTML",
            |response| {
                if response.status == 503 {
                    response.set_status(502);
                    response.set_body("text/html", "<h1>502 Bad Gateway</h1>");
                }
            },
        ),
        early_response_mutant(
            "upstream-any-request-panics",
            CLAUSE,
            "a path with escaped control characters closes the client's connection",
            |head, _| {
                let is_unusual = head.uri.path().contains("%0") || head.uri.path().contains("%F");
                assert!(!is_unusual, "a path is plain");
                None
            },
        ),
    ]
}

/// Replaces an error by a 200 response with this body.
fn set_success(response: &mut BufferedResponse, body: Value) {
    response.set_status(200);
    response.change_json(|json| *json = body);
}
