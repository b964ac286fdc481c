//! GWY-5: answers of the user service that cannot be passed on.

use serde_json::{Value, json};
use tonic::{Code, Status};

use super::{answers, calls, instead};
use crate::calls::Spoil;
use crate::entry::Entry;
use crate::http::Answer;

const CLAUSE: &str = "GWY-5";

pub fn entries() -> Vec<Entry> {
    vec![
        calls(
            "upstream-no-id",
            CLAUSE,
            "a user without an id ends the connection",
            Spoil {
                user: |user| assert!(!user.id.is_empty(), "a user has an id"),
                ..Spoil::default()
            },
        ),
        calls(
            "upstream-unknown-status",
            CLAUSE,
            "a user of unknown status ends the connection",
            Spoil {
                user: |user| assert!(user.status < 4, "a status is known"),
                ..Spoil::default()
            },
        ),
        answers(
            "upstream-no-user",
            CLAUSE,
            "an answer without a user is shown as null",
            |it| {
                // Nothing was logged as to why, so that every internal error counts.
                if it.status == 500 {
                    shown(it, json!({ "user": null }));
                }
            },
        ),
        calls(
            "upstream-garbage-is-the-clients",
            CLAUSE,
            "what cannot be decoded is the client's mistake",
            Spoil {
                status: |status| match status.code() {
                    Code::Internal if !status.message().is_empty() => {
                        Status::invalid_argument("cannot decode")
                    }
                    _ => status,
                },
                ..Spoil::default()
            },
        ),
        calls(
            "upstream-strange-panics",
            CLAUSE,
            "an answer that is none ends the connection",
            Spoil {
                status: |status| {
                    let is_strange = matches!(
                        status.code(),
                        Code::Internal | Code::Unknown | Code::Unavailable | Code::Unimplemented
                    );
                    assert!(!is_strange, "the user service answers as it should");
                    status
                },
                ..Spoil::default()
            },
        ),
        calls(
            "upstream-long-messages-panic",
            CLAUSE,
            "a long message ends the connection",
            Spoil {
                status: |status| {
                    assert!(status.message().len() < 40_000, "a message is short");
                    status
                },
                ..Spoil::default()
            },
        ),
        calls(
            "upstream-percents-panic",
            CLAUSE,
            "a message that is not well escaped ends the connection",
            Spoil {
                status: |status| {
                    let message = status.message();
                    let is_odd = message.contains("%zz") || message.contains('\u{fffd}');
                    assert!(!is_odd, "a message is well escaped");
                    status
                },
                ..Spoil::default()
            },
        ),
        answers(
            "upstream-empty-messages",
            CLAUSE,
            "an error without a message has no body",
            |it| {
                if it.is_error() {
                    it.json(|body| {
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
            |it| {
                if it.status == 503 {
                    it.set(502);
                    it.text("text/html", "<h1>502 Bad Gateway</h1>");
                }
            },
        ),
        instead(
            "upstream-any-request-panics",
            CLAUSE,
            "an odd path ends the connection",
            |head, _| {
                let is_odd = head.uri.path().contains("%0") || head.uri.path().contains("%F");
                assert!(!is_odd, "a path is plain");
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
