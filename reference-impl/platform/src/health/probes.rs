//! The probes that HTTP serves: `/live`, `/ready`, `/health`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::{HealthRules, Readiness};

/// What the probes answer from.
#[derive(Clone)]
struct Probes {
    readiness: Readiness,
    rules: HealthRules,
}

/// The routes of the probes (HLT-1 to HLT-3).
pub fn router(readiness: Readiness, rules: HealthRules) -> Router {
    Router::new()
        .route("/live", get(live))
        .route("/ready", get(ready))
        .route("/health", get(health))
        .with_state(Probes { readiness, rules })
}

async fn live(State(probes): State<Probes>) -> Response {
    (
        (probes.rules.live_code)(),
        Json(json!({ "status": "alive" })),
    )
        .into_response()
}

async fn ready(State(mut probes): State<Probes>) -> Response {
    // Just started, the first round of checks is about to tell.
    probes.readiness.report().await;
    if probes.readiness.is_ready() {
        (StatusCode::OK, Json(json!({ "status": "ready" }))).into_response()
    } else {
        not_ready()
    }
}

async fn health(State(mut probes): State<Probes>) -> Response {
    match probes.readiness.report().await {
        Some(report) => ((probes.rules.health_code)(report.status), Json(&*report)).into_response(),
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
