//! A call whose client disconnects while it sends its request: it is cancelled. (tonic would take it for a failure
//! of the service, INTERNAL or UNKNOWN.)

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt as _;

use crate::status;

/// Middleware around gRPC: replaces the status of a call whose request could not be read to its end.
pub async fn cancel_if_broken(request: Request, next: Next) -> Response {
    let is_broken = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&is_broken);
    let request = request.map(|body| {
        Body::new(body.map_err(move |error| {
            noted.store(true, Ordering::Relaxed);
            error
        }))
    });
    let response = next.run(request).await;
    if is_broken.load(Ordering::Relaxed) {
        return status::upload_broken().into_http();
    }
    response
}
