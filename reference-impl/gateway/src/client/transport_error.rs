//! Statuses of calls that no server ended: the connection failed, or the stream was reset.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::http::StatusCode;
use h2::Reason;
use tonic::{Code, Status};

/// The status of a call on which HTTP/2 failed: gRPC's own table for a stream that was reset,
/// UNAVAILABLE for a connection that was lost. (tonic maps only some of these.)
pub fn from_http2(error: hyper::Error) -> Status {
    transport_error(code(&error), error)
}

/// A status with the error that caused it as its source.
pub fn transport_error(code: Code, error: impl Error + Send + Sync + 'static) -> Status {
    let mut status = Status::new(code, chain(&error));
    status.set_source(Arc::new(error));
    status
}

/// Whether no server sent this status, but a failure of the transport caused it.
pub fn is_transport_error(status: &Status) -> bool {
    status.source().is_some()
}

/// The status of a response without `grpc-status`, by its HTTP status as gRPC maps it.
pub fn from_http_status(status: StatusCode) -> Status {
    let code = match status.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    Status::new(code, format!("HTTP status {}", status.as_u16()))
}

fn code(error: &hyper::Error) -> Code {
    let reset = error
        .source()
        .and_then(|source| source.downcast_ref::<h2::Error>())
        .filter(|error| error.is_reset())
        .and_then(h2::Error::reason);
    reset.map_or(Code::Unavailable, from_reason)
}

fn from_reason(reason: Reason) -> Code {
    match reason {
        Reason::REFUSED_STREAM => Code::Unavailable,
        Reason::CANCEL => Code::Cancelled,
        Reason::ENHANCE_YOUR_CALM => Code::ResourceExhausted,
        Reason::INADEQUATE_SECURITY => Code::PermissionDenied,
        Reason::STREAM_CLOSED | Reason::HTTP_1_1_REQUIRED => Code::Unknown,
        _ => Code::Internal,
    }
}

/// The status of a call that found no connection to be sent on.
pub fn connection_lost() -> Status {
    transport_error(
        Code::Unavailable,
        std::io::Error::from(std::io::ErrorKind::ConnectionReset),
    )
}

/// An error and its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").expect("writing to a String cannot fail");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_reason(reason: Reason, code: Code) {
        assert_eq!(from_reason(reason), code);
    }

    #[track_caller]
    fn check_http(status: u16, code: Code) {
        let status = StatusCode::from_u16(status).expect("a status");
        assert_eq!(from_http_status(status).code(), code);
    }

    #[test]
    fn a_reset_stream_has_the_code_of_grpc_s_table() {
        check_reason(Reason::REFUSED_STREAM, Code::Unavailable);
        check_reason(Reason::CANCEL, Code::Cancelled);
        check_reason(Reason::INTERNAL_ERROR, Code::Internal);
        check_reason(Reason::PROTOCOL_ERROR, Code::Internal);
        check_reason(Reason::ENHANCE_YOUR_CALM, Code::ResourceExhausted);
    }

    #[test]
    fn a_response_that_is_no_grpc_has_the_code_of_its_http_status() {
        check_http(502, Code::Unavailable);
        check_http(404, Code::Unimplemented);
        check_http(418, Code::Unknown);
    }
}
