//! HLT-1, HLT-2, HLT-6: what the answers hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::http::StatusCode;
use platform::health::{Check, Unwell};

use super::{each_check, health, limited};
use crate::entries::common;
use crate::entry::Entry;
use crate::probes::{self, each_component};

pub fn entries() -> Vec<Entry> {
    vec![
        common("live-other-word", "HLT-1", "/live says ok", |parts| {
            probes::inject(parts.wrap_http, "/live", |probe| {
                probe.body = serde_json::json!({"status": "ok"});
            });
        }),
        common(
            "live-follows-resources",
            "HLT-1",
            "/live is 503 while a resource is unreachable",
            |parts| {
                each_check(parts, |inner| Recorded { inner });
                probes::inject(parts.wrap_http, "/live", |probe| {
                    if HAS_FAILED.load(Ordering::Relaxed) {
                        probe.status = StatusCode::SERVICE_UNAVAILABLE;
                    }
                });
            },
        ),
        health(
            "answer-without-components",
            "HLT-2",
            "components is an object",
            |probe| {
                probe.body["components"] = serde_json::json!({});
            },
        ),
        health(
            "answer-empty-error",
            "HLT-2",
            "a healthy component has an empty error",
            |probe| {
                each_component(probe, |component| {
                    if component.get("error").is_none() {
                        component["error"] = "".into();
                    }
                });
            },
        ),
        health(
            "answer-without-error",
            "HLT-2",
            "a component says nothing of why it is not healthy",
            |probe| {
                each_component(probe, |component| {
                    component.as_object_mut().map(|it| it.remove("error"));
                });
            },
        ),
        health(
            "answer-unix-time",
            "HLT-2",
            "the timestamp is a number",
            |probe| {
                probe.body["timestamp"] = 1_700_000_000.into();
            },
        ),
        health(
            "answer-own-version",
            "HLT-2",
            "the version is always the build's, not SERVICE_VERSION",
            |probe| {
                probe.body["version"] = "0.0.1-build".into();
            },
        ),
        health(
            "answer-all-unwell",
            "HLT-2",
            "when one component is not healthy, none is",
            |probe| {
                let whole = probe.body["status"].clone();
                if whole != "healthy" {
                    each_component(probe, |component| {
                        component["status"] = whole.clone();
                        component["error"] = "something is wrong".into();
                    });
                }
            },
        ),
        health(
            "latency-text",
            "HLT-6",
            "latency_ms is text with a unit",
            |probe| {
                each_component(probe, |it| it["latency_ms"] = "3ms".into());
            },
        ),
    ]
}

/// Whether the newest check of anything failed.
static HAS_FAILED: AtomicBool = AtomicBool::new(false);

/// A check that records whether it failed.
struct Recorded {
    inner: Arc<dyn Check>,
}

#[async_trait]
impl Check for Recorded {
    async fn check(&self) -> Result<(), Unwell> {
        let checked = limited(self.inner.as_ref()).await;
        HAS_FAILED.store(checked.is_err(), Ordering::Relaxed);
        checked
    }
}
