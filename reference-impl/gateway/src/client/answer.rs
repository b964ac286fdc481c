//! The body of an answer, held to what gRPC allows: tonic trusts the server with its own memory, and
//! panics over some headers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::http::{HeaderMap, HeaderValue, Response};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode, percent_encode};
use tonic::Status;

use super::faults;

/// The longest answer: a page of 100 users is well below gRPC's usual 4 MiB (USR-5).
const BYTES: usize = 8 * 1024 * 1024;

/// The body of an answer. Its errors are statuses.
pub struct Answer {
    body: Incoming,
    /// How many bytes may still come.
    left: usize,
}

/// An answer that may be one of gRPC, with headers that are safe to read.
pub fn check(response: Response<Incoming>) -> Result<Response<Answer>, Status> {
    let (mut head, body) = response.into_parts();
    if !head.status.is_success() && !head.headers.contains_key("grpc-status") {
        return Err(faults::of_http_status(head.status));
    }
    let encoding = head.headers.get("grpc-encoding");
    if encoding.is_some_and(|encoding| encoding != "identity") {
        return Err(Status::internal("the answer is compressed, unasked"));
    }
    make_safe(&mut head.headers);
    Ok(Response::from_parts(head, Answer { body, left: BYTES }))
}

/// Takes out of headers or trailers what nobody needs and tonic panics over, and keeps a code
/// whose message is no UTF-8.
fn make_safe(headers: &mut HeaderMap) {
    headers.remove("grpc-status-details-bin");
    let Some(message) = headers.get("grpc-message") else {
        return;
    };
    let bytes: Vec<u8> = percent_decode(message.as_bytes()).collect();
    if let Err(error) = String::from_utf8(bytes) {
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let encoded = percent_encode(text.as_bytes(), NON_ALPHANUMERIC).to_string();
        let value = HeaderValue::try_from(encoded).expect("percent encoding is ASCII");
        headers.insert("grpc-message", value);
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
            return Poll::Ready(None);
        };
        let mut frame = frame.map_err(faults::of_http2)?;
        if let Some(data) = frame.data_ref() {
            let Some(left) = self.left.checked_sub(data.len()) else {
                return Poll::Ready(Some(Err(Status::internal("the answer is too long"))));
            };
            self.left = left;
        } else if let Some(trailers) = frame.trailers_mut() {
            make_safe(trailers);
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[track_caller]
    fn check_message(encoded: &'static [u8], expected: &str) {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", 5.into());
        headers.insert(
            "grpc-message",
            HeaderValue::from_bytes(encoded).expect("a header's value"),
        );
        headers.insert("grpc-status-details-bin", HeaderValue::from_static("$$$"));
        make_safe(&mut headers);
        let status = Status::from_header_map(&headers).expect("a status");
        assert_eq!(
            (status.code(), status.message()),
            (Code::NotFound, expected)
        );
    }

    #[test]
    fn no_message_changes_the_code() {
        check_message(b"user%20not found", "user not found");
        check_message(b"caf%C3%A9 100%", "café 100%");
        check_message(b"bad %FF %zz", "bad \u{fffd} %zz");
        check_message(b"raw \xff", "raw \u{fffd}");
    }
}
