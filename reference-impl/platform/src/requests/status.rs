//! How a request ended, in the words of its protocol.

use std::borrow::Cow;

use axum::http::StatusCode;
use tonic::Code;
use tracing::{Level, Value};

use crate::traces::KeyValue;

/// The end of a request.
pub struct End {
    /// Its status.
    pub status: RequestStatus,
    /// The error that the client was sent.
    pub error: Option<LoggedError>,
}

/// The error of a response, for its log line; over HTTP it is among the response's extensions.
#[derive(Debug, Clone)]
pub struct LoggedError {
    /// What the client was sent.
    pub message: Cow<'static, str>,
    /// For the log only.
    pub cause: Option<String>,
}

impl LoggedError {
    /// An error without a hidden cause.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            message: message.into(),
            cause: None,
        }
    }

    /// What the client was not sent.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }
}

/// A status of either protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestStatus {
    /// Of an HTTP response.
    Http(StatusCode),
    /// Of a gRPC call.
    Grpc(Code),
}

impl RequestStatus {
    /// Its label: `404`, `NotFound` (MET-3).
    pub fn label(self) -> Cow<'static, str> {
        match self {
            Self::Http(status) => status.as_str().to_owned().into(),
            Self::Grpc(Code::Ok) => "OK".into(),
            Self::Grpc(code) => format!("{code:?}").into(),
        }
    }

    /// Its value in a log line: the label, over HTTP as a number.
    pub fn field(self) -> Box<dyn Value> {
        match self {
            Self::Http(status) => Box::new(status.as_u16()),
            Self::Grpc(_) => Box::new(self.label().into_owned()),
        }
    }

    /// The level of its log line (LOG-3).
    pub fn level(self) -> Level {
        match self {
            Self::Http(status) => match status.as_u16() {
                500 => Level::ERROR,
                501.. => Level::WARN,
                _ => Level::INFO,
            },
            Self::Grpc(code) => match code {
                Code::Internal | Code::Unknown | Code::DataLoss => Level::ERROR,
                Code::Unavailable | Code::DeadlineExceeded => Level::WARN,
                _ => Level::INFO,
            },
        }
    }
}

impl RequestStatus {
    /// Its attribute in a span (TRC-4).
    pub fn attribute(self) -> KeyValue {
        match self {
            Self::Http(status) => {
                KeyValue::new("http.response.status_code", i64::from(status.as_u16()))
            }
            Self::Grpc(code) => KeyValue::new("rpc.grpc.status_code", i64::from(i32::from(code))),
        }
    }

    /// Whether the server failed, and not its client (TRC-5).
    pub fn is_failure(self) -> bool {
        match self {
            Self::Http(status) => status.is_server_error(),
            Self::Grpc(code) => matches!(
                code,
                Code::Internal
                    | Code::Unknown
                    | Code::DataLoss
                    | Code::Unavailable
                    | Code::DeadlineExceeded
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: RequestStatus, label: &str, level: Level) {
        assert_eq!(status.label(), label);
        assert_eq!(status.level(), level, "{label}");
    }

    #[track_caller]
    fn check_http(status: StatusCode, label: &str, level: Level) {
        check(RequestStatus::Http(status), label, level);
    }

    #[test]
    fn an_http_status_is_a_number() {
        check_http(StatusCode::OK, "200", Level::INFO);
        check_http(StatusCode::NOT_FOUND, "404", Level::INFO);
        check_http(StatusCode::INTERNAL_SERVER_ERROR, "500", Level::ERROR);
        check_http(StatusCode::SERVICE_UNAVAILABLE, "503", Level::WARN);
    }

    #[test]
    fn a_grpc_status_is_the_name_of_its_code() {
        check(RequestStatus::Grpc(Code::Ok), "OK", Level::INFO);
        check(RequestStatus::Grpc(Code::NotFound), "NotFound", Level::INFO);
        check(RequestStatus::Grpc(Code::Unknown), "Unknown", Level::ERROR);
        check(
            RequestStatus::Grpc(Code::DeadlineExceeded),
            "DeadlineExceeded",
            Level::WARN,
        );
    }
}
