//! The log line of each request under `/api/v1` (LOG-3).

use std::time::Instant;

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use platform::elapsed::milliseconds;

use crate::problem::{Told, client_closed_request};
use crate::request_ids::RequestId;

/// Middleware around everything: logs each request of the API at its end.
pub async fn log_request(request: Request, next: Next) -> Response {
    if !is_api(request.uri().path()) {
        return next.run(request).await;
    }
    let mut line = Line {
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        request_id: request.extensions().get().cloned(),
        begin: Instant::now(),
        outcome: None,
    };
    let response = next.run(request).await;
    line.outcome = Some((
        response.status(),
        response.extensions().get::<Told>().cloned(),
    ));
    response
}

fn is_api(path: &str) -> bool {
    path.strip_prefix("/api/v1")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A request under way. Its line is written when nothing of it is left: one that ended without an
/// answer was cancelled by its client.
struct Line {
    method: Method,
    path: String,
    request_id: Option<RequestId>,
    begin: Instant,
    outcome: Option<(StatusCode, Option<Told>)>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let (status, told) = self.outcome.take().unwrap_or_else(|| {
            let told = Told {
                message: "cancelled by the client".into(),
                cause: None,
            };
            (client_closed_request(), Some(told))
        });
        let is_error = status.as_u16() >= 400;
        let reason = status.canonical_reason().unwrap_or("refused");
        let message = told.as_ref().map_or(reason, |told| &told.message);
        let error = is_error.then_some(message);
        let cause = told.as_ref().and_then(|told| told.cause.as_deref());
        let request_id = self.request_id.as_ref().and_then(|id| id.0.to_str().ok());
        let method = self.method.as_str();
        let path = self.path.as_str();
        let duration_ms = milliseconds(self.begin.elapsed());
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    request_id,
                    method,
                    path,
                    status = status.as_u16(),
                    duration_ms,
                    error,
                    cause,
                    "request"
                )
            };
        }
        match status.as_u16() {
            500 => line!(error),
            501.. => line!(warn),
            _ => line!(info),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_requests_of_the_api_are_logged() {
        for path in ["/api/v1", "/api/v1/", "/api/v1/users", "/api/v1/x/y"] {
            assert!(is_api(path), "{path}");
        }
        for path in ["/", "/api/v10", "/api", "/ready", "/openapi.json", "*"] {
            assert!(!is_api(path), "{path}");
        }
    }
}
