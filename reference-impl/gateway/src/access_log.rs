//! The log line of each request under `/api/v1` (LOG-3).

use std::time::Instant;

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use platform::elapsed::milliseconds;

use crate::api_error::{LoggedError, client_closed_request};
use crate::request_ids::RequestId;

/// Middleware around everything: logs each request of the API at its end.
pub async fn log_request(request: Request, next: Next) -> Response {
    if !is_api(request.uri().path()) {
        return next.run(request).await;
    }
    let mut entry = Entry {
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        request_id: request.extensions().get().cloned(),
        start: Instant::now(),
        outcome: None,
    };
    let response = next.run(request).await;
    entry.outcome = Some((response.status(), response.extensions().get().cloned()));
    response
}

fn is_api(path: &str) -> bool {
    path.strip_prefix("/api/v1")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A running request. It is logged when it is dropped: without an outcome its client cancelled it.
struct Entry {
    method: Method,
    path: String,
    request_id: Option<RequestId>,
    start: Instant,
    outcome: Option<(StatusCode, Option<LoggedError>)>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let (status, error) = self.outcome.take().unwrap_or_else(|| {
            let error = LoggedError {
                message: "cancelled by the client".into(),
                cause: None,
            };
            (client_closed_request(), Some(error))
        });
        let cause = error.as_ref().and_then(|error| error.cause.as_deref());
        let reason = status.canonical_reason().unwrap_or("error");
        let message = error.as_ref().map_or(reason, |error| &error.message);
        let message = (status.as_u16() >= 400).then_some(message);
        let request_id = self.request_id.as_ref().and_then(|id| id.0.to_str().ok());
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    request_id,
                    method = self.method.as_str(),
                    path = self.path,
                    status = status.as_u16(),
                    duration_ms = milliseconds(self.start.elapsed()),
                    error = message,
                    cause,
                    "request"
                )
            };
        }
        match status.as_u16() {
            500 => log!(error),
            501.. => log!(warn),
            _ => log!(info),
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
