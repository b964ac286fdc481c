//! GWY-6: the length of bodies, unknown routes, and methods that a route does not have.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::ALLOW;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use tokio::sync::Mutex;

use super::{gateway_mutant, request_head_mutant, response_mutant};
use crate::http::{set_target, wrap_router};
use crate::mutant::Mutant;

const CLAUSE: &str = "GWY-6";

pub fn mutants() -> Vec<Mutant> {
    let mut all = lengths();
    all.extend(truncated_bodies());
    all.extend(routes());
    all.extend(methods());
    all
}

fn lengths() -> Vec<Mutant> {
    vec![
        response_mutant(
            "limits-400",
            CLAUSE,
            "a body that is too long is 400",
            |response| {
                if response.status == StatusCode::PAYLOAD_TOO_LARGE {
                    response.set_status(400);
                }
            },
        ),
        response_mutant(
            "limits-plain-text",
            CLAUSE,
            "the error for a body that is too long is plain text",
            |response| {
                if response.status == StatusCode::PAYLOAD_TOO_LARGE {
                    response.set_body("text/plain", "length limit exceeded");
                }
            },
        ),
    ]
}

fn truncated_bodies() -> Vec<Mutant> {
    vec![
        gateway_mutant(
            "limits-dies-of-broken-bodies",
            CLAUSE,
            "a truncated body crashes the program",
            |dependencies| {
                wrap_router(
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
        gateway_mutant(
            "limits-one-at-a-time",
            CLAUSE,
            "bodies are read one at a time, and a truncated body blocks all later requests",
            |dependencies| {
                let lock = Arc::new(Mutex::new(()));
                wrap_router(
                    &mut dependencies.wrap_http,
                    move |request: Request, next: Next| {
                        let lock = Arc::clone(&lock);
                        async move {
                            let (head, body) = request.into_parts();
                            let guard = lock.lock_owned().await;
                            let body = to_bytes(body, usize::MAX).await;
                            if body.is_err() {
                                // The lock is never released.
                                std::mem::forget(guard);
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

fn routes() -> Vec<Mutant> {
    vec![
        response_mutant(
            "limits-welcome",
            CLAUSE,
            "the path / returns a welcome page",
            |response| {
                if response.is_for_path("/") {
                    response.set_status(200);
                    response.set_body("text/html", "<h1>It works</h1>");
                }
            },
        ),
        request_head_mutant(
            "limits-any-version",
            CLAUSE,
            "paths with the version v2 are accepted",
            |head| {
                if let Some(rest) = head.uri.to_string().strip_prefix("/api/v2") {
                    set_target(head, &format!("/api/v1{rest}"));
                }
            },
        ),
        request_head_mutant(
            "limits-prefixes",
            CLAUSE,
            "segments after the id in a path are ignored",
            |head| {
                let path = head.uri.path().to_owned();
                let mut parts = path.splitn(6, '/');
                let id = parts.nth(4);
                if let (Some(id), Some(_)) = (id, parts.next())
                    && path.starts_with("/api/v1/users/")
                {
                    set_target(head, &format!("/api/v1/users/{id}"));
                }
            },
        ),
        response_mutant(
            "limits-unknown-400",
            CLAUSE,
            "an unknown route is 400",
            |response| {
                let is_known = response.uri.path().starts_with("/api/v1/users");
                if response.status == StatusCode::NOT_FOUND && !is_known {
                    response.set_status(400);
                }
            },
        ),
        response_mutant(
            "limits-unknown-to-root",
            CLAUSE,
            "an unknown route redirects to /",
            |response| {
                let is_known = response.uri.path().starts_with("/api/v1/users");
                if response.status == StatusCode::NOT_FOUND && !is_known {
                    response.set_status(302);
                    response
                        .headers
                        .insert("location", HeaderValue::from_static("/"));
                }
            },
        ),
    ]
}

fn methods() -> Vec<Mutant> {
    vec![
        response_mutant(
            "limits-method-404",
            CLAUSE,
            "a method that a route does not have is 404",
            |response| {
                if response.status == StatusCode::METHOD_NOT_ALLOWED {
                    response.set_status(404);
                }
            },
        ),
        response_mutant(
            "limits-method-501",
            CLAUSE,
            "an uncommon method is 501",
            |response| {
                if matches!(response.method.as_str(), "PURGE" | "PROPFIND") {
                    response.set_status(501);
                }
            },
        ),
        response_mutant(
            "limits-no-allow",
            CLAUSE,
            "a 405 response has no Allow header",
            |response| {
                response.headers.remove(ALLOW);
            },
        ),
        response_mutant(
            "limits-allow-one",
            CLAUSE,
            "Allow names only the first method",
            |response| {
                if let Some(allow) = response.headers.get_mut(ALLOW) {
                    *allow = HeaderValue::from_static("GET");
                }
            },
        ),
        response_mutant(
            "limits-allow-all",
            CLAUSE,
            "Allow names the methods of all routes",
            |response| {
                if let Some(allow) = response.headers.get_mut(ALLOW) {
                    *allow = HeaderValue::from_static("GET, POST, PUT, DELETE");
                }
            },
        ),
        request_head_mutant(
            "limits-patch-is-put",
            CLAUSE,
            "PATCH is handled as PUT",
            |head| {
                if head.method == Method::PATCH {
                    head.method = Method::PUT;
                }
            },
        ),
    ]
}
