//! The log line of each call of `UserService` (LOG-3).

use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt as _;
use platform::elapsed::milliseconds;
use platform::request_id;
use tonic::{Code, Status};
use tracing::Instrument as _;

/// The calls there are; any other is logged as one of them all (MET-3).
const CALLS: [&str; 6] = [
    "CreateUser",
    "GetUser",
    "UpdateUser",
    "DeleteUser",
    "ListUsers",
    "StreamUsers",
];

/// Middleware around gRPC: logs each call at its end, and gives its request id to every event in it.
pub async fn log_call(request: Request, next: Next) -> Response {
    let Some(method) = method(request.uri().path()) else {
        return next.run(request).await;
    };
    let request_id = request_id::of(request.headers());
    // At level ERROR, so that no LOG_LEVEL takes the id from an error.
    let span = tracing::error_span!("call", request_id);
    let mut line = CallLine {
        method,
        request_id,
        begin: Instant::now(),
        outcome: None,
    };
    let response = next.run(request).instrument(span).await;
    // A refusal comes in the headers, with nothing after them; a success at the end of the body.
    line.note(response.headers());
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            if let Some(trailers) = frame.trailers_ref() {
                line.note(trailers);
            }
            frame
        }))
    })
}

/// `/user.v1.UserService/GetUser`, or none for another service.
fn method(path: &str) -> Option<String> {
    let call = path
        .strip_prefix('/')?
        .strip_prefix(user_proto::SERVICE_NAME)?
        .strip_prefix('/')?;
    let call = if CALLS.contains(&call) {
        call
    } else {
        "unknown"
    };
    Some(format!("/{}/{call}", user_proto::SERVICE_NAME))
}

/// A call under way. Its line is written when nothing of it is left: a call that ended without a
/// status was cancelled by its client.
struct CallLine {
    method: String,
    request_id: String,
    begin: Instant,
    outcome: Option<Status>,
}

impl CallLine {
    /// Takes the status from headers or trailers, if it is there.
    fn note(&mut self, headers: &HeaderMap) {
        self.outcome = self
            .outcome
            .take()
            .or_else(|| Status::from_header_map(headers));
    }
}

impl Drop for CallLine {
    fn drop(&mut self) {
        let cancelled = Status::cancelled("cancelled by the client");
        let outcome = self.outcome.as_ref().unwrap_or(&cancelled);
        let code = outcome.code();
        let error = (code != Code::Ok).then(|| outcome.message());
        let duration_ms = milliseconds(self.begin.elapsed());
        let Self {
            method, request_id, ..
        } = self;
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    request_id,
                    method,
                    status = code_name(code),
                    duration_ms,
                    error,
                    "call"
                )
            };
        }
        match code {
            Code::Internal | Code::Unknown | Code::DataLoss => line!(error),
            Code::Unavailable | Code::DeadlineExceeded => line!(warn),
            _ => line!(info),
        }
    }
}

/// A code's name in the style of `OK`, `NotFound` (MET-3).
fn code_name(code: Code) -> String {
    match code {
        Code::Ok => "OK".to_owned(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_method(path: &str, expected: Option<&str>) {
        assert_eq!(method(path).as_deref(), expected);
    }

    #[test]
    fn unknown_methods_share_a_name() {
        check_method(
            "/user.v1.UserService/GetUser",
            Some("/user.v1.UserService/GetUser"),
        );
        check_method(
            "/user.v1.UserService/x\ny",
            Some("/user.v1.UserService/unknown"),
        );
        check_method("/grpc.health.v1.Health/Check", None);
    }
}
