//! HLT-3: how the components make the whole.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::StatusCode;
use platform::health::{Check, Status, Unwell};

use super::health;
use crate::entries::{common, parts};
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![
        common(
            "degraded-is-200",
            "HLT-3",
            "/health is 200 while degraded",
            |it| {
                it.health.health_code = |it| {
                    if it == Status::Unhealthy {
                        StatusCode::SERVICE_UNAVAILABLE
                    } else {
                        StatusCode::OK
                    }
                };
            },
        ),
        common(
            "degraded-is-not-ready",
            "HLT-3",
            "degraded does not count as ready",
            |it| {
                it.health.is_ready = |it| it == Status::Healthy;
            },
        ),
        common(
            "unhealthy-is-200",
            "HLT-3",
            "/health is 200 whatever is wrong",
            |it| {
                it.health.health_code = |_| StatusCode::OK;
            },
        ),
        common(
            "nothing-is-optional",
            "HLT-3",
            "HEALTH_OPTIONAL is ignored: everything is required",
            |it| {
                it.health.failed = |_| Status::Unhealthy;
            },
        ),
        common(
            "everything-is-optional",
            "HLT-3",
            "HEALTH_OPTIONAL is ignored: nothing is required",
            |it| {
                it.health.failed = |_| Status::Degraded;
            },
        ),
        common(
            "degraded-hides-unhealthy",
            "HLT-3",
            "a degraded component hides an unhealthy one",
            |it| {
                it.health.overall = |components| {
                    let statuses = || components.iter().map(|it| it.status);
                    if statuses().any(|it| it == Status::Degraded) {
                        Status::Degraded
                    } else {
                        statuses().max().unwrap_or(Status::Healthy)
                    }
                };
            },
        ),
        health(
            "healthy-is-204",
            "HLT-3",
            "/health is 204 when all is well",
            |probe| {
                if probe.status == StatusCode::OK {
                    probe.status = StatusCode::NO_CONTENT;
                }
            },
        ),
        parts(
            "check-is-a-connect",
            "HLT-3",
            "the database is well as long as it takes connections",
            |settings, it| {
                let options = &settings.database;
                let address = format!("{}:{}", options.get_host(), options.get_port());
                it.components[0].check = Arc::new(Connects(address));
            },
        ),
    ]
}

/// A check that connects, and asks nothing.
struct Connects(String);

#[async_trait]
impl Check for Connects {
    async fn check(&self) -> Result<(), Unwell> {
        tokio::net::TcpStream::connect(&self.0)
            .await
            .map(|_| ())
            .map_err(|_| Unwell("cannot connect"))
    }
}
