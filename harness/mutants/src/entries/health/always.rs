//! HLT-1, HLT-2, HLT-4, HLT-5, CFG-8, GRP-1: what holds at every moment, from the first answer to the stop.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt as _;
use platform::health::{Check, Unwell};
use tokio::sync::Notify;

use super::{each_check, health, limited};
use crate::entries::{common, parts};
use crate::entry::{Common, Entry};
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        common("live-asks", "HLT-1", "/live waits for a check", |parts| {
            let check = parts.components[0].check.clone();
            let limit = parts.settings.health.check_timeout;
            LIVE.lock().expect("not poisoned").replace((check, limit));
            wire::around(parts.wrap_http, |request, next| async move {
                let check = LIVE.lock().expect("not poisoned").clone();
                if request.uri().path() == "/live"
                    && let Some((check, limit)) = check
                {
                    let _ = tokio::time::timeout(limit, check.check()).await;
                }
                next.run(request).await
            });
        }),
        health(
            "answer-first-empty",
            "HLT-2",
            "the first answer lists no component",
            |probe| {
                static ANSWERED: AtomicBool = AtomicBool::new(false);
                if !ANSWERED.swap(true, Ordering::Relaxed) {
                    probe.body["components"] = serde_json::json!([]);
                }
            },
        ),
        health(
            "answer-ahead",
            "HLT-2",
            "the timestamp is an hour ahead",
            |probe| {
                let ahead = chrono::Utc::now() + Duration::from_hours(1);
                probe.body["timestamp"] = ahead.to_rfc3339().into();
            },
        ),
        common(
            "answer-as-text",
            "HLT-2",
            "/health answers text/plain",
            |parts| {
                as_text(parts, "/health");
            },
        ),
        common(
            "ready-as-text",
            "HLT-2",
            "/ready answers text/plain",
            |parts| {
                as_text(parts, "/ready");
            },
        ),
        common(
            "checks-cancelled",
            "HLT-4",
            "a check that fails ends the others",
            |parts| {
                let failed = Arc::<Notify>::default();
                each_check(parts, |inner| Together {
                    inner,
                    failed: failed.clone(),
                });
            },
        ),
        parts(
            "grpc-health-asks",
            "HLT-5",
            "every Check of gRPC checks the resources anew",
            |_, dependencies| {
                let check = dependencies.components[0].check.clone();
                LIVE.lock()
                    .expect("not poisoned")
                    .replace((check, Duration::from_secs(1)));
                wire::calls(dependencies, "/Check", |request, next| async move {
                    let check = LIVE.lock().expect("not poisoned").clone();
                    if let Some((check, _)) = check
                        && limited(check.as_ref()).await.is_err()
                    {
                        return tonic::Status::unavailable("unhealthy").into_http();
                    }
                    next.run(request).await
                });
            },
        ),
        common(
            "stop-ready-kept",
            "CFG-8",
            "/ready is kept for HEALTH_CACHE_TTL, even after the signal to stop",
            |parts| {
                TTL.lock()
                    .expect("not poisoned")
                    .replace(parts.settings.health.cache_ttl);
                wire::around(parts.wrap_http, kept);
            },
        ),
    ]
}

/// A check and its time-out, for handlers that make it themselves.
static LIVE: Mutex<Option<(Arc<dyn Check>, Duration)>> = Mutex::new(None);

/// `HEALTH_CACHE_TTL`.
static TTL: Mutex<Option<Duration>> = Mutex::new(None);

/// An answer that is kept: when it was given, its status, headers, bytes and trailers.
type Answer = (
    Instant,
    StatusCode,
    axum::http::HeaderMap,
    Bytes,
    Option<axum::http::HeaderMap>,
);

/// The newest answer to each request, by path and body.
static ANSWERS: Mutex<Option<HashMap<(String, Bytes), Answer>>> = Mutex::new(None);

/// Answers a request to `/ready` or `/Check` as the last one like it, for as long as an answer is kept.
async fn kept(request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    let path = request.uri().path().to_owned();
    if !path.ends_with("/ready") && !path.ends_with("/Check") {
        return next.run(request).await;
    }
    let ttl = TTL.lock().expect("not poisoned").unwrap_or_default();
    let (head, body) = request.into_parts();
    let sent = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let key = (path, sent.clone());
    let known = known(&key);
    if let Some(answer) = known.filter(|it| it.0.elapsed() < ttl) {
        return response(answer);
    }
    let request = axum::extract::Request::from_parts(head, Body::from(sent));
    let (head, body) = next.run(request).await.into_parts();
    let Ok(collected) = body.collect().await else {
        return Response::from_parts(head, Body::empty());
    };
    let trailers = collected.trailers().cloned();
    let bytes = collected.to_bytes();
    let answer = (Instant::now(), head.status, head.headers, bytes, trailers);
    keep(key, answer.clone());
    response(answer)
}

fn known(key: &(String, Bytes)) -> Option<Answer> {
    let answers = ANSWERS.lock().expect("not poisoned");
    answers.as_ref().and_then(|it| it.get(key).cloned())
}

fn keep(key: (String, Bytes), answer: Answer) {
    let mut answers = ANSWERS.lock().expect("not poisoned");
    answers.get_or_insert_default().insert(key, answer);
}

fn response((_, status, headers, bytes, trailers): Answer) -> Response {
    let mut response = Response::new(wire::with_trailers(bytes.to_vec(), trailers));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Answers the path with another `Content-Type`.
fn as_text(it: &mut Common<'_>, path: &'static str) {
    wire::around(it.wrap_http, move |request, next| async move {
        let here = request.uri().path() == path;
        let mut response = next.run(request).await;
        if here {
            let text = HeaderValue::from_static("text/plain; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, text);
        }
        response
    });
}

/// A check that ends with the first of all that fails.
struct Together {
    inner: Arc<dyn Check>,
    failed: Arc<Notify>,
}

#[async_trait]
impl Check for Together {
    async fn check(&self) -> Result<(), Unwell> {
        tokio::select! {
            checked = self.inner.check() => {
                if checked.is_err() {
                    self.failed.notify_waiters();
                }
                checked
            }
            () = self.failed.notified() => Err(Unwell("cancelled")),
        }
    }
}
