//! HLT-1, HLT-2, HLT-4, HLT-5, CFG-8: faults from the first response to the shutdown.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt as _;
use platform::health::{Check, CheckFailed};
use tokio::sync::Notify;

use super::{check_within_limit, health_mutant, wrap_checks};
use crate::entries::{common_mutant, user_service_mutant};
use crate::mutant::{CommonParts, Mutant};
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    vec![
        common_mutant(
            "live-checks",
            "HLT-1",
            "/live waits for a health check",
            |parts| {
                let check = parts.components[0].check.clone();
                let limit = parts.settings.health.check_timeout;
                SHARED_CHECK
                    .lock()
                    .expect("not poisoned")
                    .replace((check, limit));
                wire::wrap_router(parts.wrap_http, |request, next| async move {
                    let check = SHARED_CHECK.lock().expect("not poisoned").clone();
                    if request.uri().path() == "/live"
                        && let Some((check, limit)) = check
                    {
                        let _ = tokio::time::timeout(limit, check.check()).await;
                    }
                    next.run(request).await
                });
            },
        ),
        health_mutant(
            "answer-first-empty",
            "HLT-2",
            "the first response of /health lists no component",
            |probe| {
                static HAS_RESPONDED: AtomicBool = AtomicBool::new(false);
                if !HAS_RESPONDED.swap(true, Ordering::Relaxed) {
                    probe.body["components"] = serde_json::json!([]);
                }
            },
        ),
        health_mutant(
            "answer-ahead",
            "HLT-2",
            "the timestamp is an hour ahead",
            |probe| {
                let ahead = chrono::Utc::now() + Duration::from_hours(1);
                probe.body["timestamp"] = ahead.to_rfc3339().into();
            },
        ),
        common_mutant(
            "answer-as-text",
            "HLT-2",
            "the Content-Type of /health is text/plain",
            |parts| {
                set_text_type(parts, "/health");
            },
        ),
        common_mutant(
            "ready-as-text",
            "HLT-2",
            "the Content-Type of /ready is text/plain",
            |parts| {
                set_text_type(parts, "/ready");
            },
        ),
        common_mutant(
            "checks-cancelled",
            "HLT-4",
            "a failed check cancels the other checks",
            |parts| {
                let failed = Arc::<Notify>::default();
                wrap_checks(parts, |inner| FailsWithOthers {
                    inner,
                    failed: failed.clone(),
                });
            },
        ),
        user_service_mutant(
            "grpc-health-checks-each-call",
            "HLT-5",
            "every gRPC health Check runs the resource checks again",
            |_, dependencies| {
                let check = dependencies.components[0].check.clone();
                SHARED_CHECK
                    .lock()
                    .expect("not poisoned")
                    .replace((check, Duration::from_secs(1)));
                wire::handle_calls(dependencies, "/Check", |request, next| async move {
                    let check = SHARED_CHECK.lock().expect("not poisoned").clone();
                    if let Some((check, _)) = check
                        && check_within_limit(check.as_ref()).await.is_err()
                    {
                        return tonic::Status::unavailable("unhealthy").into_http();
                    }
                    next.run(request).await
                });
            },
        ),
        common_mutant(
            "stop-ready-kept",
            "CFG-8",
            "/ready is cached for HEALTH_CACHE_TTL, even after a shutdown signal",
            |parts| {
                CACHE_TTL
                    .lock()
                    .expect("not poisoned")
                    .replace(parts.settings.health.cache_ttl);
                wire::wrap_router(parts.wrap_http, answer_from_cache);
            },
        ),
    ]
}

/// A check and its timeout, for handlers that run the check themselves.
static SHARED_CHECK: Mutex<Option<(Arc<dyn Check>, Duration)>> = Mutex::new(None);

/// The value of `HEALTH_CACHE_TTL`, for handlers.
static CACHE_TTL: Mutex<Option<Duration>> = Mutex::new(None);

/// A cached response: its time, status, headers, body and trailers.
type CachedResponse = (
    Instant,
    StatusCode,
    axum::http::HeaderMap,
    Bytes,
    Option<axum::http::HeaderMap>,
);

/// The last response to each request, by path and body.
static CACHE: Mutex<Option<HashMap<(String, Bytes), CachedResponse>>> = Mutex::new(None);

/// Answers `/ready` and `/Check` from the cache while the last response is not older than the TTL.
async fn answer_from_cache(
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let path = request.uri().path().to_owned();
    if !path.ends_with("/ready") && !path.ends_with("/Check") {
        return next.run(request).await;
    }
    let ttl = CACHE_TTL.lock().expect("not poisoned").unwrap_or_default();
    let (head, body) = request.into_parts();
    let sent = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let key = (path, sent.clone());
    let cached = cached_response(&key);
    if let Some(parts) = cached.filter(|it| it.0.elapsed() < ttl) {
        return into_response(parts);
    }
    let request = axum::extract::Request::from_parts(head, Body::from(sent));
    let (head, body) = next.run(request).await.into_parts();
    let Ok(collected) = body.collect().await else {
        return Response::from_parts(head, Body::empty());
    };
    let trailers = collected.trailers().cloned();
    let bytes = collected.to_bytes();
    let parts = (Instant::now(), head.status, head.headers, bytes, trailers);
    cache_response(key, parts.clone());
    into_response(parts)
}

fn cached_response(key: &(String, Bytes)) -> Option<CachedResponse> {
    let cache = CACHE.lock().expect("not poisoned");
    cache.as_ref().and_then(|it| it.get(key).cloned())
}

fn cache_response(key: (String, Bytes), response: CachedResponse) {
    let mut cache = CACHE.lock().expect("not poisoned");
    cache.get_or_insert_default().insert(key, response);
}

fn into_response((_, status, headers, bytes, trailers): CachedResponse) -> Response {
    let mut response = Response::new(wire::body_with_trailers(bytes.to_vec(), trailers));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Replaces the `Content-Type` of a path's responses by `text/plain`.
fn set_text_type(parts: &mut CommonParts<'_>, path: &'static str) {
    wire::wrap_router(parts.wrap_http, move |request, next| async move {
        let is_probe = request.uri().path() == path;
        let mut response = next.run(request).await;
        if is_probe {
            let text = HeaderValue::from_static("text/plain; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, text);
        }
        response
    });
}

/// A check that is cancelled when the check of another component fails.
struct FailsWithOthers {
    inner: Arc<dyn Check>,
    failed: Arc<Notify>,
}

#[async_trait]
impl Check for FailsWithOthers {
    async fn check(&self) -> Result<(), CheckFailed> {
        tokio::select! {
            checked = self.inner.check() => {
                if checked.is_err() {
                    self.failed.notify_waiters();
                }
                checked
            }
            () = self.failed.notified() => Err(CheckFailed("cancelled")),
        }
    }
}
