//! Ports, routers, start.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::{Json, Router};
use platform::health::{self, Component, Monitor, Readiness};
use platform::listen::{self, ListenError};
use platform::requests::{self, Http};
use platform::serving::Running;
use platform::shutdown::Shutdown;
use platform::{http, metrics};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::admission::{self, Admission};
use crate::api;
use crate::api_error::ApiError;
use crate::dependencies::Dependencies;
use crate::settings::Settings;
use crate::upstream::Upstream;

/// The two ports, bound.
pub struct Listeners {
    /// `PORT`
    pub http: TcpListener,
    /// `METRICS_PORT`
    pub metrics: TcpListener,
}

/// Binds the ports, or names the one that cannot be bound (CFG-3).
pub fn bind(settings: &Settings) -> Result<Listeners, ListenError> {
    Ok(Listeners {
        http: listen::bind("PORT", settings.common.port)?,
        metrics: listen::bind("METRICS_PORT", settings.common.metrics_port)?,
    })
}

/// Starts the health checks and both servers.
pub fn start(settings: &Settings, dependencies: Dependencies, listeners: Listeners) -> Running {
    let mut running = Running::default();
    let router = router(settings, dependencies, &running);
    let ended = &running.shutdown.ended;
    let api = http::serve(listeners.http, router, ended.clone());
    let metrics = http::serve(listeners.metrics, metrics::router(), ended.clone());
    running.until_ended.spawn(api);
    running.until_ended.spawn(metrics);
    running
}

/// Everything on `PORT`; starts the health checks.
pub fn router(settings: &Settings, dependencies: Dependencies, running: &Running) -> Router {
    let upstream = Arc::new(Upstream::new(dependencies.users, settings));
    let admission = Admission {
        request_timeout: settings.request_timeout,
        in_flight: running.in_flight.clone(),
        stopping: running.shutdown.stopping.clone(),
    };
    let api = api::router(upstream)
        // The admission limits bodies.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(admission, admission::admit));
    // Shared: axum clones every handler for every connection.
    let document = Arc::new(dependencies.openapi);
    let everything = api
        .merge(probes(settings, dependencies.components, &running.shutdown))
        .route(
            "/openapi.json",
            get(async move || Json(Value::clone(&document))),
        )
        .fallback(no_route)
        .method_not_allowed_fallback(no_method);
    (dependencies.wrap_http)(requests::recorded(everything, Http { is_api }))
}

/// Whether a path is one of the API, with a route or without.
fn is_api(path: &str) -> bool {
    path.strip_prefix("/api/v1")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `/health`, `/ready` and `/live`; starts the health checks.
fn probes(settings: &Settings, components: Vec<Component>, shutdown: &Shutdown) -> Router {
    let monitor = Monitor {
        components,
        settings: settings.common.health.clone(),
        version: settings.common.identity.version.clone(),
    };
    let reports = monitor.start(shutdown.ended.clone());
    let readiness = Readiness::new(reports, shutdown.stopping.clone());
    health::router(readiness)
}

async fn no_route(_: Uri) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "there is no such route")
}

/// axum adds `Allow` (GWY-6).
async fn no_method(_: Method) -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "the route does not have this method",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_the_api_s_belong_to_it() {
        for path in ["/api/v1", "/api/v1/", "/api/v1/users", "/api/v1/x/y"] {
            assert!(is_api(path), "{path}");
        }
        for path in ["/", "/api/v10", "/api", "/ready", "/openapi.json", "*"] {
            assert!(!is_api(path), "{path}");
        }
    }
}
