//! HLT-1, HLT-2, HLT-6: the content of health responses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::http::StatusCode;
use platform::health::{Check, CheckFailed};

use super::{check_within_limit, health_mutant, wrap_checks};
use crate::entries::common_mutant;
use crate::mutant::Mutant;
use crate::probes::{self, change_components};

pub fn mutants() -> Vec<Mutant> {
    vec![
        common_mutant(
            "live-other-word",
            "HLT-1",
            "the status in /live is `ok`",
            |parts| {
                probes::change_probe(parts.wrap_http, "/live", |probe| {
                    probe.body = serde_json::json!({"status": "ok"});
                });
            },
        ),
        common_mutant(
            "live-follows-resources",
            "HLT-1",
            "/live is 503 while a resource is unreachable",
            |parts| {
                wrap_checks(parts, |inner| RecordsFailure { inner });
                probes::change_probe(parts.wrap_http, "/live", |probe| {
                    if HAS_FAILED.load(Ordering::Relaxed) {
                        probe.status = StatusCode::SERVICE_UNAVAILABLE;
                    }
                });
            },
        ),
        health_mutant(
            "answer-without-components",
            "HLT-2",
            "`components` is an object",
            |probe| {
                probe.body["components"] = serde_json::json!({});
            },
        ),
        health_mutant(
            "answer-empty-error",
            "HLT-2",
            "a healthy component has an empty error",
            |probe| {
                change_components(probe, |component| {
                    if component.get("error").is_none() {
                        component["error"] = "".into();
                    }
                });
            },
        ),
        health_mutant(
            "answer-without-error",
            "HLT-2",
            "a component that is not healthy has no error",
            |probe| {
                change_components(probe, |component| {
                    component.as_object_mut().map(|it| it.remove("error"));
                });
            },
        ),
        health_mutant(
            "answer-unix-time",
            "HLT-2",
            "the timestamp is a number",
            |probe| {
                probe.body["timestamp"] = 1_700_000_000.into();
            },
        ),
        health_mutant(
            "answer-own-version",
            "HLT-2",
            "the version is that of the build, and SERVICE_VERSION is ignored",
            |probe| {
                probe.body["version"] = "0.0.1-build".into();
            },
        ),
        health_mutant(
            "answer-all-unhealthy",
            "HLT-2",
            "every component has the overall status",
            |probe| {
                let overall = probe.body["status"].clone();
                if overall != "healthy" {
                    change_components(probe, |component| {
                        component["status"] = overall.clone();
                        component["error"] = "something is wrong".into();
                    });
                }
            },
        ),
        health_mutant(
            "latency-text",
            "HLT-6",
            "latency_ms is text with a unit",
            |probe| {
                change_components(probe, |it| it["latency_ms"] = "3ms".into());
            },
        ),
    ]
}

/// Whether the last check of any component failed.
static HAS_FAILED: AtomicBool = AtomicBool::new(false);

/// A check that records whether it failed.
struct RecordsFailure {
    inner: Arc<dyn Check>,
}

#[async_trait]
impl Check for RecordsFailure {
    async fn check(&self) -> Result<(), CheckFailed> {
        let checked = check_within_limit(self.inner.as_ref()).await;
        HAS_FAILED.store(checked.is_err(), Ordering::Relaxed);
        checked
    }
}
