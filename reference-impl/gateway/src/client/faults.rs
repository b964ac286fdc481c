//! The status of a call that no server ended: its connection failed, or its stream was reset.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::http::StatusCode;
use h2::Reason;
use tonic::{Code, Status};

/// The status of a call on which HTTP/2 failed: gRPC's own table for a stream that was reset,
/// UNAVAILABLE for a connection that was lost. (tonic knows only some of this.)
pub fn of_http2(error: hyper::Error) -> Status {
    of_connection(code(&error), error)
}

/// A status that was caused by an error of the connection, and is known by its source.
pub fn of_connection(code: Code, error: impl Error + Send + Sync + 'static) -> Status {
    let mut status = Status::new(code, chain(&error));
    status.set_source(Arc::new(error));
    status
}

/// Whether no server sent this status, but a failure of the connection caused it.
pub fn is_of_connection(status: &Status) -> bool {
    status.source().is_some()
}

/// The code of an answer by its HTTP status alone, as gRPC has it for answers without `grpc-status`.
pub fn of_http_status(status: StatusCode) -> Status {
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
    reset.map_or(Code::Unavailable, of_reason)
}

fn of_reason(reason: Reason) -> Code {
    match reason {
        Reason::REFUSED_STREAM => Code::Unavailable,
        Reason::CANCEL => Code::Cancelled,
        Reason::ENHANCE_YOUR_CALM => Code::ResourceExhausted,
        Reason::INADEQUATE_SECURITY => Code::PermissionDenied,
        Reason::STREAM_CLOSED | Reason::HTTP_1_1_REQUIRED => Code::Unknown,
        _ => Code::Internal,
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").expect("a String takes everything");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_reason(reason: Reason, code: Code) {
        assert_eq!(of_reason(reason), code);
    }

    #[track_caller]
    fn check_http(status: u16, code: Code) {
        let status = StatusCode::from_u16(status).expect("a status");
        assert_eq!(of_http_status(status).code(), code);
    }

    #[test]
    fn a_reset_stream_ends_as_grpc_says() {
        check_reason(Reason::REFUSED_STREAM, Code::Unavailable);
        check_reason(Reason::CANCEL, Code::Cancelled);
        check_reason(Reason::INTERNAL_ERROR, Code::Internal);
        check_reason(Reason::PROTOCOL_ERROR, Code::Internal);
        check_reason(Reason::ENHANCE_YOUR_CALM, Code::ResourceExhausted);
    }

    #[test]
    fn an_answer_that_is_no_grpc_counts_by_its_http_status() {
        check_http(502, Code::Unavailable);
        check_http(404, Code::Unimplemented);
        check_http(418, Code::Unknown);
    }
}
