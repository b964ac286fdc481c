//! Responses, checked before tonic reads them: tonic does not limit what it buffers, and panics over some
//! headers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::http::{HeaderMap, HeaderValue, Response};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode, percent_encode};
use tonic::Status;

use super::transport_error;

/// The longest body: a page of 100 users is well below gRPC's usual 4 MiB (USR-5).
const BODY_BYTES: usize = 8 * 1024 * 1024;

/// The body of a response. Its errors are statuses.
pub struct ResponseBody {
    body: Incoming,
    /// How many bytes may follow.
    left: usize,
}

/// Refuses a response that is no gRPC, and makes its headers safe to read.
pub fn check(response: Response<Incoming>) -> Result<Response<ResponseBody>, Status> {
    let (mut head, body) = response.into_parts();
    if !head.status.is_success() && !head.headers.contains_key("grpc-status") {
        return Err(transport_error::from_http_status(head.status));
    }
    let encoding = head.headers.get("grpc-encoding");
    if encoding.is_some_and(|encoding| encoding != "identity") {
        return Err(Status::internal("the response is compressed"));
    }
    make_safe(&mut head.headers);
    Ok(Response::from_parts(
        head,
        ResponseBody {
            body,
            left: BODY_BYTES,
        },
    ))
}

/// Removes the details, over which tonic panics, from headers or trailers, and makes the message UTF-8,
/// without which tonic would lose the code.
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

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
            return Poll::Ready(None);
        };
        let mut frame = frame.map_err(transport_error::from_http2)?;
        if let Some(data) = frame.data_ref() {
            let Some(left) = self.left.checked_sub(data.len()) else {
                return Poll::Ready(Some(Err(Status::internal("the response is too long"))));
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
