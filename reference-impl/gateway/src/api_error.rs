//! The only place that builds HTTP errors.

use std::borrow::Cow;

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use platform::requests::{LoggedError, client_closed_request};
use serde::Serialize;
use tonic::{Code, Status};
use utoipa::ToSchema;

use crate::breaker::Open;
use crate::upstream::CallError;

/// An error as the client gets it (GWY-5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: StatusCode,
    /// The text in the body.
    pub message: Cow<'static, str>,
    /// For the log only.
    pub cause: Option<String>,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
}

/// The body of every error.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody {
    /// What is wrong.
    error: Cow<'static, str>,
}

impl ApiError {
    /// An error without a hidden cause.
    pub fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            message: message.into(),
            cause: None,
            retry_after: None,
        }
    }

    /// A request that is malformed.
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// A response of the user service that does not fit the contract.
    pub fn invalid_response(cause: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL).with_cause(cause.to_owned())
    }

    /// A request that arrives during shutdown (CFG-8).
    pub fn stopping() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE)
            .with_cause("the gateway is shutting down".to_owned())
    }

    fn with_cause(self, cause: String) -> Self {
        let cause = Some(cause);
        Self { cause, ..self }
    }
}

const INTERNAL: &str = "internal server error";
const UNAVAILABLE: &str = "service unavailable";
const TIMEOUT: &str = "upstream timeout";

impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Status(status) => Self::from(&status),
            CallError::BreakerOpen(open) => Self::from(open),
        }
    }
}

/// RES-3
impl From<Open> for ApiError {
    fn from(open: Open) -> Self {
        Self {
            retry_after: Some(open.retry_after),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "circuit breaker is open")
        }
    }
}

impl From<&Status> for ApiError {
    fn from(status: &Status) -> Self {
        let passed_on = |http: StatusCode| Self::new(http, status.message().to_owned());
        let replaced = |http, message| {
            let cause = format!("{:?}: {}", status.code(), status.message());
            Self::new(http, message).with_cause(cause)
        };
        match status.code() {
            Code::InvalidArgument | Code::OutOfRange => passed_on(StatusCode::BAD_REQUEST),
            Code::Unauthenticated => passed_on(StatusCode::UNAUTHORIZED),
            Code::PermissionDenied => passed_on(StatusCode::FORBIDDEN),
            Code::NotFound => passed_on(StatusCode::NOT_FOUND),
            Code::AlreadyExists | Code::Aborted => passed_on(StatusCode::CONFLICT),
            Code::FailedPrecondition => passed_on(StatusCode::PRECONDITION_FAILED),
            Code::ResourceExhausted => passed_on(StatusCode::TOO_MANY_REQUESTS),
            Code::Cancelled => passed_on(client_closed_request()),
            Code::Unimplemented => passed_on(StatusCode::NOT_IMPLEMENTED),
            Code::Unavailable => replaced(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE),
            Code::DeadlineExceeded => replaced(StatusCode::GATEWAY_TIMEOUT, TIMEOUT),
            // No call fails with OK.
            Code::Internal | Code::Unknown | Code::DataLoss | Code::Ok => {
                replaced(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL)
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            error: self.message.clone(),
        };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            let seconds = HeaderValue::from(seconds);
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response.extensions_mut().insert(LoggedError {
            message: self.message,
            cause: self.cause,
        });
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(codes: &[Code], status: u16, message: &str) {
        for code in codes {
            let error = ApiError::from(&Status::new(*code, "said upstream"));
            assert_eq!(error.status.as_u16(), status, "{code:?}");
            assert_eq!(error.message, message, "{code:?}");
        }
    }

    #[test]
    fn the_message_of_a_client_s_mistake_is_passed_on() {
        check(
            &[Code::InvalidArgument, Code::OutOfRange],
            400,
            "said upstream",
        );
        check(&[Code::Unauthenticated], 401, "said upstream");
        check(&[Code::PermissionDenied], 403, "said upstream");
        check(&[Code::NotFound], 404, "said upstream");
        check(&[Code::AlreadyExists, Code::Aborted], 409, "said upstream");
        check(&[Code::FailedPrecondition], 412, "said upstream");
        check(&[Code::ResourceExhausted], 429, "said upstream");
        check(&[Code::Cancelled], 499, "said upstream");
        check(&[Code::Unimplemented], 501, "said upstream");
    }

    #[test]
    fn the_message_of_a_failure_is_replaced() {
        let internal = [Code::Internal, Code::Unknown, Code::DataLoss];
        check(&internal, 500, "internal server error");
        check(&[Code::Unavailable], 503, "service unavailable");
        check(&[Code::DeadlineExceeded], 504, "upstream timeout");
    }

    #[test]
    fn an_open_breaker_sets_retry_after() {
        let response = ApiError::from(Open { retry_after: 7 }).into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[RETRY_AFTER], "7");
    }
}
