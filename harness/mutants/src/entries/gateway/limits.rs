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
            |it| {
                if it.status == StatusCode::PAYLOAD_TOO_LARGE {
                    it.set(400);
                }
            },
        ),
        answers(
            "limits-plain-text",
            CLAUSE,
            "a body that is too long is refused in plain text",
            |it| {
                if it.status == StatusCode::PAYLOAD_TOO_LARGE {
                    it.text("text/plain", "length limit exceeded");
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
            |it| {
                around(
                    &mut it.wrap_http,
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
            |it| {
                let turn = Arc::new(Mutex::new(()));
                around(&mut it.wrap_http, move |request: Request, next: Next| {
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
                });
            },
        ),
    ]
}

fn routes() -> Vec<Entry> {
    vec![
        answers("limits-welcome", CLAUSE, "the root says hello", |it| {
            if it.is_of("/") {
                it.set(200);
                it.text("text/html", "<h1>It works</h1>");
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
            |it| {
                let is_known = it.uri.path().starts_with("/api/v1/users");
                if it.status == StatusCode::NOT_FOUND && !is_known {
                    it.set(400);
                }
            },
        ),
        answers(
            "limits-unknown-to-root",
            CLAUSE,
            "an unknown route leads to the root",
            |it| {
                let is_known = it.uri.path().starts_with("/api/v1/users");
                if it.status == StatusCode::NOT_FOUND && !is_known {
                    it.set(302);
                    it.headers.insert("location", HeaderValue::from_static("/"));
                }
            },
        ),
    ]
}

fn methods() -> Vec<Entry> {
    vec![
        answers("limits-method-404", CLAUSE, "another method is 404", |it| {
            if it.status == StatusCode::METHOD_NOT_ALLOWED {
                it.set(404);
            }
        }),
        answers(
            "limits-method-501",
            CLAUSE,
            "a method that few know is 501",
            |it| {
                if matches!(it.method.as_str(), "PURGE" | "PROPFIND") {
                    it.set(501);
                }
            },
        ),
        answers("limits-no-allow", CLAUSE, "405 has no Allow", |it| {
            it.headers.remove(ALLOW);
        }),
        answers(
            "limits-allow-one",
            CLAUSE,
            "Allow names the first method alone",
            |it| {
                if let Some(allow) = it.headers.get_mut(ALLOW) {
                    *allow = HeaderValue::from_static("GET");
                }
            },
        ),
        answers(
            "limits-allow-all",
            CLAUSE,
            "Allow names every method that any route has",
            |it| {
                if let Some(allow) = it.headers.get_mut(ALLOW) {
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
