//! The probes that HTTP serves: `/live`, `/ready`, `/health`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::Readiness;

/// The routes of the probes (HLT-1 to HLT-3).
pub fn router(readiness: Readiness) -> Router {
    Router::new()
        .route("/live", get(live))
        .route("/ready", get(ready))
        .route("/health", get(health))
        .with_state(readiness)
}

async fn live() -> Json<serde_json::Value> {
    Json(json!({ "status": "alive" }))
}

async fn ready(State(mut readiness): State<Readiness>) -> Response {
    // Right after the start the first round of checks is still under way.
    readiness.report().await;
    if readiness.is_ready() {
        (StatusCode::OK, Json(json!({ "status": "ready" }))).into_response()
    } else {
        not_ready()
    }
}

async fn health(State(mut readiness): State<Readiness>) -> Response {
    match readiness.report().await {
        Some(report) => (report.status.http_code(), Json(&*report)).into_response(),
        None => not_ready(),
    }
}

fn not_ready() -> Response {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        Json(json!({ "status": "not ready" })),
    )
        .into_response()
}
