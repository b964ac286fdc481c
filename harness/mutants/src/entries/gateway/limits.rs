//! GWY-6: the length of bodies, routes that there are not, and methods that they do not have.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::ALLOW;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use tokio::sync::Mutex;

use super::{answers, heads, replaced};
use crate::entry::Entry;
use crate::http::{around, target};

const CLAUSE: &str = "GWY-6";

pub fn entries() -> Vec<Entry> {
    let mut all = lengths();
    all.extend(broken());
    all.extend(routes());
    all.extend(methods());
    all
}

fn lengths() -> Vec<Entry> {
    vec![
        answers(
            "limits-400",
            CLAUSE,
            "a body that is too long is 400",
            |answer| {
                if answer.status == StatusCode::PAYLOAD_TOO_LARGE {
                    answer.set(400);
                }
            },
        ),
        answers(
            "limits-plain-text",
            CLAUSE,
            "a body that is too long is refused in plain text",
            |answer| {
                if answer.status == StatusCode::PAYLOAD_TOO_LARGE {
                    answer.text("text/plain", "length limit exceeded");
                }
            },
        ),
    ]
}

fn broken() -> Vec<Entry> {
    vec![
        replaced(
            "limits-dies-of-broken-bodies",
            CLAUSE,
            "a body that breaks off ends the program",
            |dependencies| {
                around(
                    &mut dependencies.wrap_http,
                    |request: Request, next: Next| async move {
                        let (head, body) = request.into_parts();
                        let Ok(body) = to_bytes(body, usize::MAX).await else {
                            std::process::exit(101)
                        };
                        next.run(Request::from_parts(head, Body::from(body))).await
                    },
                );
            },
        ),
        replaced(
            "limits-one-at-a-time",
            CLAUSE,
            "bodies are read one after the other, a slow one too",
            |dependencies| {
                let turn = Arc::new(Mutex::new(()));
                around(
                    &mut dependencies.wrap_http,
                    move |request: Request, next: Next| {
                        let turn = Arc::clone(&turn);
                        async move {
                            let (head, body) = request.into_parts();
                            let locked = turn.lock_owned().await;
                            let body = to_bytes(body, usize::MAX).await;
                            if body.is_err() {
                                // It is never unlocked.
                                std::mem::forget(locked);
                            }
                            let body = Body::from(body.unwrap_or_default());
                            next.run(Request::from_parts(head, body)).await
                        }
                    },
                );
            },
        ),
    ]
}

fn routes() -> Vec<Entry> {
    vec![
        answers("limits-welcome", CLAUSE, "the root says hello", |answer| {
            if answer.is_of("/") {
                answer.set(200);
                answer.text("text/html", "<h1>It works</h1>");
            }
        }),
        heads(
            "limits-any-version",
            CLAUSE,
            "the version in a path is any",
            |head| {
                if let Some(rest) = head.uri.to_string().strip_prefix("/api/v2") {
                    target(head, &format!("/api/v1{rest}"));
                }
            },
        ),
        heads(
            "limits-prefixes",
            CLAUSE,
            "what follows an id in a path is ignored",
            |head| {
                let path = head.uri.path().to_owned();
                let mut parts = path.splitn(6, '/');
                let id = parts.nth(4);
                if let (Some(id), Some(_)) = (id, parts.next())
                    && path.starts_with("/api/v1/users/")
                {
                    target(head, &format!("/api/v1/users/{id}"));
                }
            },
        ),
        answers(
            "limits-unknown-400",
            CLAUSE,
            "an unknown route is 400",
            |answer| {
                let is_known = answer.uri.path().starts_with("/api/v1/users");
                if answer.status == StatusCode::NOT_FOUND && !is_known {
                    answer.set(400);
                }
            },
        ),
        answers(
            "limits-unknown-to-root",
            CLAUSE,
            "an unknown route leads to the root",
            |answer| {
                let is_known = answer.uri.path().starts_with("/api/v1/users");
                if answer.status == StatusCode::NOT_FOUND && !is_known {
                    answer.set(302);
                    answer
                        .headers
                        .insert("location", HeaderValue::from_static("/"));
                }
            },
        ),
    ]
}

fn methods() -> Vec<Entry> {
    vec![
        answers(
            "limits-method-404",
            CLAUSE,
            "another method is 404",
            |answer| {
                if answer.status == StatusCode::METHOD_NOT_ALLOWED {
                    answer.set(404);
                }
            },
        ),
        answers(
            "limits-method-501",
            CLAUSE,
            "a method that few know is 501",
            |answer| {
                if matches!(answer.method.as_str(), "PURGE" | "PROPFIND") {
                    answer.set(501);
                }
            },
        ),
        answers("limits-no-allow", CLAUSE, "405 has no Allow", |answer| {
            answer.headers.remove(ALLOW);
        }),
        answers(
            "limits-allow-one",
            CLAUSE,
            "Allow names the first method alone",
            |answer| {
                if let Some(allow) = answer.headers.get_mut(ALLOW) {
                    *allow = HeaderValue::from_static("GET");
                }
            },
        ),
        answers(
            "limits-allow-all",
            CLAUSE,
            "Allow names every method that any route has",
            |answer| {
                if let Some(allow) = answer.headers.get_mut(ALLOW) {
                    *allow = HeaderValue::from_static("GET, POST, PUT, DELETE");
                }
            },
        ),
        heads("limits-patch-is-put", CLAUSE, "PATCH is PUT", |head| {
            if head.method == Method::PATCH {
                head.method = Method::PUT;
            }
        }),
    ]
}
