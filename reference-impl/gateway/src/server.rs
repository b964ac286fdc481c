//! Ports, routers, start.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use axum::{Json, Router};
use platform::health::{self, Monitor, Readiness};
use platform::listen::{self, ListenError};
use platform::serving::Running;
use platform::{http, metrics};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::api::{self, Gateway};
use crate::guarded::Guarded;
use crate::intake::{self, Intake};
use crate::parts::Parts;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::{access_log, request_ids};

/// The two ports, taken.
pub struct Listeners {
    /// `PORT`
    pub http: TcpListener,
    /// `METRICS_PORT`
    pub metrics: TcpListener,
}

/// Takes the ports, or names the one that cannot be had (CFG-3).
pub fn bind(settings: &Settings) -> Result<Listeners, ListenError> {
    Ok(Listeners {
        http: listen::bind("PORT", settings.common.port)?,
        metrics: listen::bind("METRICS_PORT", settings.common.metrics_port)?,
    })
}

/// Starts to check, and to serve on every port.
pub fn start(settings: &Settings, parts: Parts, listeners: Listeners) -> Running {
    let mut running = Running::default();
    let router = router(settings, parts, &running);
    let ended = &running.shutdown.ended;
    let api = http::serve(listeners.http, router, ended.clone());
    let metrics = http::serve(listeners.metrics, metrics::router(), ended.clone());
    running.until_ended.spawn(api);
    running.until_ended.spawn(metrics);
    running
}

/// Everything on `PORT`; starts to check.
pub fn router(settings: &Settings, parts: Parts, running: &Running) -> Router {
    let shutdown = &running.shutdown;
    let rules = parts.rules;
    let monitor = Monitor {
        components: parts.components,
        settings: settings.common.health.clone(),
        version: settings.common.identity.version.clone(),
    };
    let reports = monitor.start(shutdown.ended.clone());
    let readiness = Readiness::new(reports, shutdown.stopping.clone());
    let intake = Intake {
        body_bytes: rules.body_bytes,
        request_timeout: settings.request_timeout,
        in_flight: running.in_flight.clone(),
        stopping: shutdown.stopping.clone(),
    };
    // Shared: axum clones every handler for every connection.
    let document = Arc::new(parts.openapi);
    let probes = health::router(readiness);
    let gateway = Gateway {
        users: Guarded::new(parts.users, rules.breaker, rules.retry, settings),
        rules,
    };
    let api = api::router(Arc::new(gateway))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(intake, intake::take_in));
    let everything = api
        .merge(probes)
        .route(
            "/openapi.json",
            get(async move || Json(Value::clone(&document))),
        )
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn(access_log::log_request))
        .layer(from_fn(request_ids::assign));
    (parts.wrap_http)(everything)
}

async fn no_route(_: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no such route")
}

/// axum adds `Allow` (GWY-6).
async fn no_method(_: Method) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "the route does not have this method",
    )
}
