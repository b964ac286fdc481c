//! What calls and answers become on their way: messages are decoded, changed and encoded again.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::request::Parts as Head;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use futures::{Stream, StreamExt as _};
use http_body_util::BodyExt as _;
use platform::http::Wrap;
use prost::Message;
use user_proto::v1::ListUsersRequest;
use user_service::dependencies::Dependencies;

use crate::entry::Common;

/// Changes every request of a method.
pub fn requests<M: Message + Default + 'static>(
    parts: &mut Dependencies,
    method: &'static str,
    change: impl Fn(&mut M) + Copy + Send + Sync + 'static,
) {
    calls(parts, method, move |request, next| async move {
        let (head, bytes) = read(request).await;
        let body = Body::from(rewrite(&bytes, change));
        next.run(Request::from_parts(head, body)).await
    });
}

/// Changes every answer of a method.
pub fn answers<M: Message + Default + 'static>(
    parts: &mut Dependencies,
    method: &'static str,
    change: impl Fn(&mut M) + Copy + Send + Sync + 'static,
) {
    calls(parts, method, move |request, next| async move {
        rewritten(next.run(request).await, change).await
    });
}

async fn rewritten<M: Message + Default>(response: Response, change: impl Fn(&mut M)) -> Response {
    let (mut head, body) = response.into_parts();
    let Ok(collected) = body.collect().await else {
        return Response::from_parts(head, Body::empty());
    };
    let trailers = collected.trailers().cloned();
    let bytes = collected.to_bytes();
    head.headers.remove("content-length");
    Response::from_parts(head, with_trailers(rewrite(&bytes, change), trailers))
}

/// A body of these bytes and trailers.
pub fn with_trailers(data: Vec<u8>, trailers: Option<HeaderMap>) -> Body {
    let data = (!data.is_empty()).then(|| http_body::Frame::data(Bytes::from(data)));
    let frames = data
        .into_iter()
        .chain(trailers.map(http_body::Frame::trailers));
    let frames = frames.map(Ok::<_, std::convert::Infallible>);
    Body::new(http_body_util::StreamBody::new(futures::stream::iter(
        frames,
    )))
}

/// One uncompressed message in its frame, changed; anything else as it is.
fn rewrite<M: Message + Default>(bytes: &[u8], change: impl Fn(&mut M)) -> Vec<u8> {
    let Some(message) = bytes.get(5..) else {
        return bytes.to_vec();
    };
    let Ok(mut message) = M::decode(message) else {
        return bytes.to_vec();
    };
    change(&mut message);
    let encoded = message.encode_to_vec();
    let length = u32::try_from(encoded.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    [&[0], &length[..], &encoded[..]].concat()
}

/// Changes the bytes of every answer of a method: one uncompressed message, without its frame.
pub fn messages(
    parts: &mut Dependencies,
    method: &'static str,
    change: impl Fn(&mut Vec<u8>) + Copy + Send + Sync + 'static,
) {
    calls(parts, method, move |request, next| async move {
        let (mut head, body) = next.run(request).await.into_parts();
        let Ok(collected) = body.collect().await else {
            return Response::from_parts(head, Body::empty());
        };
        let trailers = collected.trailers().cloned();
        let bytes = collected.to_bytes();
        head.headers.remove("content-length");
        let Some(message) = bytes.get(5..) else {
            return Response::from_parts(head, with_trailers(bytes.to_vec(), trailers));
        };
        let mut message = message.to_vec();
        change(&mut message);
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let framed = [&[0], &length.to_be_bytes()[..], &message[..]].concat();
        Response::from_parts(head, with_trailers(framed, trailers))
    });
}

/// What becomes of a status, its code as a number and its message; `None` leaves it as it is.
pub type ChangeStatus = fn(u16, &str) -> Option<(u16, String)>;

/// Changes the status that calls of a method end with.
pub fn statuses(parts: &mut Dependencies, method: &'static str, change: ChangeStatus) {
    calls(parts, method, move |request, next| async move {
        let mut response = next.run(request).await;
        if response.headers().contains_key("grpc-status") {
            spoil_status(response.headers_mut(), change);
        }
        response
    });
}

fn spoil_status(headers: &mut HeaderMap, change: ChangeStatus) {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let code = text("grpc-status").parse().unwrap_or(2);
    // Messages are percent-encoded on the wire; a blank is all that matters here.
    let message = text("grpc-message").replace("%20", " ");
    let (code, message) = change(code, &message).unwrap_or((code, message));
    headers.insert("grpc-status", code.into());
    if let Ok(message) = message.replace(' ', "%20").parse() {
        headers.insert("grpc-message", message);
    }
}

/// Changes the status that a stream of a method ends with, after its headers.
pub fn trailers(parts: &mut Dependencies, method: &'static str, change: ChangeStatus) {
    calls(parts, method, move |request, next| async move {
        let (head, body) = next.run(request).await.into_parts();
        let body = body.map_frame(move |frame| match frame.into_trailers() {
            Ok(mut trailers) => {
                spoil_status(&mut trailers, change);
                http_body::Frame::trailers(trailers)
            }
            Err(frame) => frame,
        });
        Response::from_parts(head, Body::new(body))
    });
}

/// Sends the headers of an answer no earlier than what follows them.
pub fn late_headers(parts: &mut Dependencies, method: &'static str) {
    calls(parts, method, |request, next| async move {
        let (head, mut body) = next.run(request).await.into_parts();
        let first = body.frame().await;
        let rest = futures::stream::iter(first).chain(http_body_util::BodyStream::new(body));
        Response::from_parts(head, Body::new(http_body_util::StreamBody::new(rest)))
    });
}

/// Ends a stream with this code after so long.
pub fn cut_stream(parts: &mut Dependencies, method: &'static str, after: Duration, code: u16) {
    calls(parts, method, move |request, next| async move {
        let (head, body) = next.run(request).await.into_parts();
        let over = Box::pin(tokio::time::timeout(after, std::future::pending::<()>()));
        let frames = http_body_util::BodyStream::new(body).take_until(over);
        Response::from_parts(head, ended(frames, code))
    });
}

/// Ends a stream well when as many pieces were sent as the request's `page_size` says.
pub fn end_after_page(parts: &mut Dependencies, method: &'static str) {
    calls(parts, method, |request, next| async move {
        let (head, bytes) = read(request).await;
        let request = bytes
            .get(5..)
            .and_then(|it| ListUsersRequest::decode(it).ok());
        let size = request.map_or(0, |it| it.page_size);
        let response = next.run(Request::from_parts(head, Body::from(bytes))).await;
        let Ok(size @ 1..) = usize::try_from(size) else {
            return response;
        };
        let (head, body) = response.into_parts();
        let frames = http_body_util::BodyStream::new(body).take(size);
        Response::from_parts(head, ended(frames, 0))
    });
}

/// These frames, then this code.
fn ended(
    frames: impl Stream<Item = Result<http_body::Frame<Bytes>, axum::Error>> + Send + 'static,
    code: u16,
) -> Body {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.into());
    let last = futures::stream::iter([Ok(http_body::Frame::trailers(trailers))]);
    Body::new(http_body_util::StreamBody::new(frames.chain(last)))
}

/// Changes every piece of a stream of answers; what is empty is not sent.
pub fn stream(parts: &mut Dependencies, method: &'static str, change: fn(usize, Bytes) -> Bytes) {
    calls(parts, method, move |request, next| async move {
        let (head, body) = next.run(request).await.into_parts();
        let mut number = 0;
        let body = body.map_frame(move |frame| match frame.into_data() {
            Ok(data) => {
                number += 1;
                http_body::Frame::data(change(number, data))
            }
            Err(frame) => frame,
        });
        Response::from_parts(head, Body::new(body))
    });
}

/// Looks at every request before it is handled: its head and its whole body.
pub fn watch(it: &mut Common<'_>, look: fn(&Head, &[u8])) {
    let wraps = it.wrap_grpc.as_deref_mut().into_iter();
    for wrap in wraps.chain([&mut *it.wrap_http]) {
        around(wrap, move |request, next| looked_at(request, next, look));
    }
}

async fn looked_at(request: Request, next: Next, look: fn(&Head, &[u8])) -> Response {
    if request.uri().path().ends_with("/Watch") {
        return next.run(request).await;
    }
    let (head, bytes) = read(request).await;
    look(&head, &bytes);
    next.run(Request::from_parts(head, Body::from(bytes))).await
}

/// Answers INTERNAL to every request of a method whose message `wrong` finds; what stands after the frame's head.
pub fn refuse(parts: &mut Dependencies, method: &'static str, wrong: fn(&[u8]) -> bool) {
    calls(parts, method, move |request, next| async move {
        let (head, bytes) = read(request).await;
        if bytes.get(5..).is_some_and(wrong) {
            return tonic::Status::internal("internal error").into_http();
        }
        next.run(Request::from_parts(head, Body::from(bytes))).await
    });
}

/// Holds back every UNAVAILABLE for so long.
pub fn slow_failures(parts: &mut Dependencies, time: Duration) {
    around(&mut parts.wrap_grpc, move |request, next| async move {
        let response = next.run(request).await;
        let status = response.headers().get("grpc-status");
        if status.is_some_and(|it| it == "14") {
            let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
        }
        response
    });
}

/// Handles the calls of a method otherwise.
pub fn calls<A: Future<Output = Response> + Send + 'static>(
    parts: &mut Dependencies,
    method: &'static str,
    handle: impl Fn(Request, Next) -> A + Copy + Send + Sync + 'static,
) {
    around(&mut parts.wrap_grpc, move |request, next| async move {
        if request.uri().path().ends_with(method) {
            handle(request, next).await
        } else {
            next.run(request).await
        }
    });
}

/// Puts a handler around what is there already.
pub fn around<A: Future<Output = Response> + Send + 'static>(
    wrap: &mut Wrap,
    handle: impl Fn(Request, Next) -> A + Copy + Send + Sync + 'static,
) {
    let before = std::mem::replace(wrap, Box::new(|router| router));
    *wrap = Box::new(move |router| before(router).layer(from_fn(handle)));
}

/// The head of a request, and its whole body.
async fn read(request: Request) -> (Head, Bytes) {
    let (head, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    (head, bytes)
}
