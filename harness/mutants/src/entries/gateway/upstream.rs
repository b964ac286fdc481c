//! GWY-5: answers of the user service that cannot be passed on.

use serde_json::{Value, json};
use tonic::{Code, Status};

use super::{answers, calls, instead};
use crate::calls::CallFault;
use crate::entry::Entry;
use crate::http::Answer;

const CLAUSE: &str = "GWY-5";

pub fn entries() -> Vec<Entry> {
    vec![
        calls(
            "upstream-no-id",
            CLAUSE,
            "a user without an id ends the connection",
            CallFault {
                user: |user| assert!(!user.id.is_empty(), "a user has an id"),
                ..CallFault::default()
            },
        ),
        calls(
            "upstream-unknown-status",
            CLAUSE,
            "a user of unknown status ends the connection",
            CallFault {
                user: |user| assert!(user.status < 4, "a status is known"),
                ..CallFault::default()
            },
        ),
        answers(
            "upstream-no-user",
            CLAUSE,
            "an answer without a user is shown as null",
            |answer| {
                // Nothing was logged as to why, so that every internal error counts.
                if answer.status == 500 {
                    shown(answer, json!({ "user": null }));
                }
            },
        ),
        calls(
            "upstream-garbage-is-the-clients",
            CLAUSE,
            "what cannot be decoded is the client's mistake",
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
        calls(
            "upstream-strange-panics",
            CLAUSE,
            "an answer that is none ends the connection",
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
        calls(
            "upstream-long-messages-panic",
            CLAUSE,
            "a long message ends the connection",
            CallFault {
                status: |status| {
                    assert!(status.message().len() < 40_000, "a message is short");
                    status
                },
                ..CallFault::default()
            },
        ),
        calls(
            "upstream-percents-panic",
            CLAUSE,
            "a message that is not well escaped ends the connection",
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
        answers(
            "upstream-empty-messages",
            CLAUSE,
            "an error without a message has no body",
            |answer| {
                if answer.is_error() {
                    answer.json(|body| {
                        if body["error"] == "" {
                            *body = Value::Null;
                        }
                    });
                }
            },
        ),
        answers(
            "upstream-bad-gateway",
            CLAUSE,
            "a connection that broke is a page of HTML",
            |answer| {
                if answer.status == 503 {
                    answer.set(502);
                    answer.text("text/html", "<h1>502 Bad Gateway</h1>");
                }
            },
        ),
        instead(
            "upstream-any-request-panics",
            CLAUSE,
            "a path with escaped control characters ends the connection",
            |head, _| {
                let is_unusual = head.uri.path().contains("%0") || head.uri.path().contains("%F");
                assert!(!is_unusual, "a path is plain");
                None
            },
        ),
    ]
}

/// Shows something else as a success.
fn shown(it: &mut Answer, body: Value) {
    it.set(200);
    it.json(|it| *it = body);
}
