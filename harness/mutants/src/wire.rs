//! Changes gRPC requests to a user service, and its responses: decodes a message, changes it and encodes it again.

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

use crate::mutant::CommonParts;

/// Changes the message of every request of a method.
pub fn change_requests<M: Message + Default + 'static>(
    dependencies: &mut Dependencies,
    method: &'static str,
    change: impl Fn(&mut M) + Copy + Send + Sync + 'static,
) {
    handle_calls(dependencies, method, move |request, next| async move {
        let (head, bytes) = read_request(request).await;
        let body = Body::from(change_message(&bytes, change));
        next.run(Request::from_parts(head, body)).await
    });
}

/// Changes the message of every response of a method.
pub fn change_responses<M: Message + Default + 'static>(
    dependencies: &mut Dependencies,
    method: &'static str,
    change: impl Fn(&mut M) + Copy + Send + Sync + 'static,
) {
    handle_calls(dependencies, method, move |request, next| async move {
        change_response_message(next.run(request).await, change).await
    });
}

async fn change_response_message<M: Message + Default>(
    response: Response,
    change: impl Fn(&mut M),
) -> Response {
    let (mut head, body) = response.into_parts();
    let Ok(collected) = body.collect().await else {
        return Response::from_parts(head, Body::empty());
    };
    let trailers = collected.trailers().cloned();
    let bytes = collected.to_bytes();
    head.headers.remove("content-length");
    Response::from_parts(
        head,
        body_with_trailers(change_message(&bytes, change), trailers),
    )
}

/// A body with this data and these trailers.
pub fn body_with_trailers(data: Vec<u8>, trailers: Option<HeaderMap>) -> Body {
    let data = (!data.is_empty()).then(|| http_body::Frame::data(Bytes::from(data)));
    let frames = data
        .into_iter()
        .chain(trailers.map(http_body::Frame::trailers));
    let frames = frames.map(Ok::<_, std::convert::Infallible>);
    Body::new(http_body_util::StreamBody::new(futures::stream::iter(
        frames,
    )))
}

/// Changes one uncompressed message in its gRPC frame; returns other bytes unchanged.
fn change_message<M: Message + Default>(bytes: &[u8], change: impl Fn(&mut M)) -> Vec<u8> {
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

/// Changes the encoded message of every response of a method, without its gRPC frame.
pub fn change_response_bytes(
    dependencies: &mut Dependencies,
    method: &'static str,
    change: impl Fn(&mut Vec<u8>) + Copy + Send + Sync + 'static,
) {
    handle_calls(dependencies, method, move |request, next| async move {
        let (mut head, body) = next.run(request).await.into_parts();
        let Ok(collected) = body.collect().await else {
            return Response::from_parts(head, Body::empty());
        };
        let trailers = collected.trailers().cloned();
        let bytes = collected.to_bytes();
        head.headers.remove("content-length");
        let Some(message) = bytes.get(5..) else {
            return Response::from_parts(head, body_with_trailers(bytes.to_vec(), trailers));
        };
        let mut message = message.to_vec();
        change(&mut message);
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let framed = [&[0], &length.to_be_bytes()[..], &message[..]].concat();
        Response::from_parts(head, body_with_trailers(framed, trailers))
    });
}

/// Maps a status code and message to new ones; `None` leaves the status unchanged.
pub type ChangeStatus = fn(u16, &str) -> Option<(u16, String)>;

/// Changes the status of calls of a method that fail before a response message.
pub fn change_status(dependencies: &mut Dependencies, method: &'static str, change: ChangeStatus) {
    handle_calls(dependencies, method, move |request, next| async move {
        let mut response = next.run(request).await;
        if response.headers().contains_key("grpc-status") {
            change_status_headers(response.headers_mut(), change);
        }
        response
    });
}

fn change_status_headers(headers: &mut HeaderMap, change: ChangeStatus) {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let code = text("grpc-status").parse().unwrap_or(2);
    // `grpc-message` is percent-encoded; only spaces occur in the messages that are changed here.
    let message = text("grpc-message").replace("%20", " ");
    let (code, message) = change(code, &message).unwrap_or((code, message));
    headers.insert("grpc-status", code.into());
    if let Ok(message) = message.replace(' ', "%20").parse() {
        headers.insert("grpc-message", message);
    }
}

/// Changes the status in the trailers of a method's response stream.
pub fn change_trailers(
    dependencies: &mut Dependencies,
    method: &'static str,
    change: ChangeStatus,
) {
    handle_calls(dependencies, method, move |request, next| async move {
        let (head, body) = next.run(request).await.into_parts();
        let body = body.map_frame(move |frame| match frame.into_trailers() {
            Ok(mut trailers) => {
                change_status_headers(&mut trailers, change);
                http_body::Frame::trailers(trailers)
            }
            Err(frame) => frame,
        });
        Response::from_parts(head, Body::new(body))
    });
}

/// Holds back the headers of a response until its first frame.
pub fn delay_headers(dependencies: &mut Dependencies, method: &'static str) {
    handle_calls(dependencies, method, |request, next| async move {
        let (head, mut body) = next.run(request).await.into_parts();
        let first = body.frame().await;
        let rest = futures::stream::iter(first).chain(http_body_util::BodyStream::new(body));
        Response::from_parts(head, Body::new(http_body_util::StreamBody::new(rest)))
    });
}

/// Ends a stream with a status code after this time.
pub fn end_stream_after(
    dependencies: &mut Dependencies,
    method: &'static str,
    after: Duration,
    code: u16,
) {
    handle_calls(dependencies, method, move |request, next| async move {
        let (head, body) = next.run(request).await.into_parts();
        let time_is_over = Box::pin(tokio::time::timeout(after, std::future::pending::<()>()));
        let frames = http_body_util::BodyStream::new(body).take_until(time_is_over);
        Response::from_parts(head, body_with_status(frames, code))
    });
}

/// Ends a stream with OK after as many frames as the request's `page_size`.
pub fn end_stream_after_page(dependencies: &mut Dependencies, method: &'static str) {
    handle_calls(dependencies, method, |request, next| async move {
        let (head, bytes) = read_request(request).await;
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
        Response::from_parts(head, body_with_status(frames, 0))
    });
}

/// A body of these frames, then trailers with this status code.
fn body_with_status(
    frames: impl Stream<Item = Result<http_body::Frame<Bytes>, axum::Error>> + Send + 'static,
    code: u16,
) -> Body {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.into());
    let last = futures::stream::iter([Ok(http_body::Frame::trailers(trailers))]);
    Body::new(http_body_util::StreamBody::new(frames.chain(last)))
}

/// Changes every data frame of a response stream, given its number; an empty result drops the frame.
pub fn change_stream(
    dependencies: &mut Dependencies,
    method: &'static str,
    change: fn(usize, Bytes) -> Bytes,
) {
    handle_calls(dependencies, method, move |request, next| async move {
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

/// Passes the head and body of every request to `observe` before it is handled.
pub fn observe_requests(parts: &mut CommonParts<'_>, observe: fn(&Head, &[u8])) {
    let wraps = parts.wrap_grpc.as_deref_mut().into_iter();
    for wrap in wraps.chain([&mut *parts.wrap_http]) {
        wrap_router(wrap, move |request, next| {
            observe_request(request, next, observe)
        });
    }
}

async fn observe_request(request: Request, next: Next, observe: fn(&Head, &[u8])) -> Response {
    if request.uri().path().ends_with("/Watch") {
        return next.run(request).await;
    }
    let (head, bytes) = read_request(request).await;
    observe(&head, &bytes);
    next.run(Request::from_parts(head, Body::from(bytes))).await
}

/// Fails calls of a method with INTERNAL if `is_refused` returns true for the encoded request message.
pub fn fail_requests(
    dependencies: &mut Dependencies,
    method: &'static str,
    is_refused: fn(&[u8]) -> bool,
) {
    handle_calls(dependencies, method, move |request, next| async move {
        let (head, bytes) = read_request(request).await;
        if bytes.get(5..).is_some_and(is_refused) {
            return tonic::Status::internal("internal error").into_http();
        }
        next.run(Request::from_parts(head, Body::from(bytes))).await
    });
}

/// Delays every response with status UNAVAILABLE.
pub fn delay_unavailable(dependencies: &mut Dependencies, time: Duration) {
    wrap_router(
        &mut dependencies.wrap_grpc,
        move |request, next| async move {
            let response = next.run(request).await;
            let status = response.headers().get("grpc-status");
            if status.is_some_and(|status| status == "14") {
                let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
            }
            response
        },
    );
}

/// Handles the calls of a method with `handle`.
pub fn handle_calls<A: Future<Output = Response> + Send + 'static>(
    dependencies: &mut Dependencies,
    method: &'static str,
    handle: impl Fn(Request, Next) -> A + Copy + Send + Sync + 'static,
) {
    wrap_router(
        &mut dependencies.wrap_grpc,
        move |request, next| async move {
            if request.uri().path().ends_with(method) {
                handle(request, next).await
            } else {
                next.run(request).await
            }
        },
    );
}

/// Adds a handler around a router, outside of the handlers that were added before.
pub fn wrap_router<A: Future<Output = Response> + Send + 'static>(
    wrap: &mut Wrap,
    handle: impl Fn(Request, Next) -> A + Copy + Send + Sync + 'static,
) {
    let before = std::mem::replace(wrap, Box::new(|router| router));
    *wrap = Box::new(move |router| before(router).layer(from_fn(handle)));
}

/// Reads the whole body of a request; returns its head and body.
async fn read_request(request: Request) -> (Head, Bytes) {
    let (head, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    (head, bytes)
}
