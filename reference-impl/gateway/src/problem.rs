//! The only place that builds HTTP errors.

use std::borrow::Cow;

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tonic::{Code, Status};
use utoipa::ToSchema;

use crate::breaker::Open;

/// An error as the client gets it (GWY-5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// What the client reads.
    pub message: Cow<'static, str>,
    /// What only the log says.
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

/// What the log line says about an error; it travels with the answer.
#[derive(Debug, Clone)]
pub struct Told {
    /// As the client reads it.
    pub message: Cow<'static, str>,
    /// What only the log says.
    pub cause: Option<String>,
}

impl Problem {
    /// An error without a hidden cause.
    pub fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            message: message.into(),
            cause: None,
            retry_after: None,
        }
    }

    /// A request that cannot be understood.
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// An answer of the user service that cannot be passed on.
    pub fn bad_answer(cause: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL);
        problem.because(cause.into())
    }

    /// A call that the breaker held back (RES-3).
    pub fn breaker_open(open: Open) -> Self {
        Self {
            retry_after: Some(open.retry_after),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "circuit breaker is open")
        }
    }

    /// A request that comes when the program ends (CFG-8).
    pub fn stopping() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE)
            .because("the program stops".to_owned())
    }

    fn because(self, cause: String) -> Self {
        Self {
            cause: Some(cause),
            ..self
        }
    }
}

const INTERNAL: &str = "internal server error";
const UNAVAILABLE: &str = "service unavailable";
const TIMEOUT: &str = "upstream timeout";

/// nginx's status for a client that went away; http has no name for it.
pub fn client_closed_request() -> StatusCode {
    StatusCode::from_u16(499).expect("between 100 and 999")
}

/// The error that a status gives (GWY-5).
pub fn of_status(status: &Status) -> Problem {
    let passed_on = |http| Problem::new(http, status.message().to_owned());
    let replaced = |http, message| {
        Problem::new(http, message).because(format!("{:?}: {}", status.code(), status.message()))
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

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            error: self.message.clone(),
        };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            let seconds = HeaderValue::from(seconds);
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response.extensions_mut().insert(Told {
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
            let problem = of_status(&Status::new(*code, "said upstream"));
            assert_eq!(problem.status.as_u16(), status, "{code:?}");
            assert_eq!(problem.message, message, "{code:?}");
        }
    }

    #[test]
    fn a_client_s_mistake_is_told_in_the_words_of_the_user_service() {
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
    fn a_failure_is_told_in_our_own_words() {
        let internal = [Code::Internal, Code::Unknown, Code::DataLoss];
        check(&internal, 500, "internal server error");
        check(&[Code::Unavailable], 503, "service unavailable");
        check(&[Code::DeadlineExceeded], 504, "upstream timeout");
    }

    #[test]
    fn an_open_breaker_says_when_to_come_back() {
        let response = Problem::breaker_open(Open { retry_after: 7 }).into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[RETRY_AFTER], "7");
    }
}
