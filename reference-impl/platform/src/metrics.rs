//! The page that a scraper reads on `METRICS_PORT`.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

/// `/metrics` in the Prometheus text format. There are no metrics yet.
pub fn router() -> Router {
    Router::new().route("/metrics", get(page))
}

async fn page() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        "",
    )
}
