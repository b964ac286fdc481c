//! What calls and answers become on their way: messages are decoded, changed and encoded again.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http_body_util::BodyExt as _;
use prost::Message;
use user_service::parts::Parts;

/// Changes every request of a method.
pub fn requests<M: Message + Default + 'static>(
    parts: &mut Parts,
    method: &'static str,
    change: fn(&mut M),
) {
    let before = std::mem::replace(&mut parts.wrap_grpc, Box::new(|router| router));
    parts.wrap_grpc = Box::new(move |router| {
        before(router).layer(from_fn(move |request: Request, next: Next| async move {
            if !request.uri().path().ends_with(method) {
                return next.run(request).await;
            }
            let (head, body) = request.into_parts();
            let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
            let body = Body::from(rewrite(&bytes, change));
            next.run(Request::from_parts(head, body)).await
        }))
    });
}

/// Changes every answer of a method.
pub fn answers<M: Message + Default + 'static>(
    parts: &mut Parts,
    method: &'static str,
    change: fn(&mut M),
) {
    let before = std::mem::replace(&mut parts.wrap_grpc, Box::new(|router| router));
    parts.wrap_grpc = Box::new(move |router| {
        before(router).layer(from_fn(move |request: Request, next: Next| async move {
            let here = request.uri().path().ends_with(method);
            let response = next.run(request).await;
            if here {
                rewritten(response, change).await
            } else {
                response
            }
        }))
    });
}

async fn rewritten<M: Message + Default + 'static>(
    response: Response,
    change: fn(&mut M),
) -> Response {
    let (mut head, body) = response.into_parts();
    let Ok(collected) = body.collect().await else {
        return Response::from_parts(head, Body::empty());
    };
    let trailers = collected.trailers().cloned();
    let bytes = collected.to_bytes();
    head.headers.remove("content-length");
    Response::from_parts(head, with_trailers(rewrite(&bytes, change), trailers))
}

fn with_trailers(data: Vec<u8>, trailers: Option<HeaderMap>) -> Body {
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
fn rewrite<M: Message + Default + 'static>(bytes: &[u8], change: fn(&mut M)) -> Vec<u8> {
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

/// Changes the status that calls of a method end with; the code as a number, and the message.
pub fn statuses(parts: &mut Parts, method: &'static str, change: fn(u16, &str) -> (u16, String)) {
    let before = std::mem::replace(&mut parts.wrap_grpc, Box::new(|router| router));
    parts.wrap_grpc = Box::new(move |router| {
        before(router).layer(from_fn(move |request: Request, next: Next| async move {
            let here = request.uri().path().ends_with(method);
            let mut response = next.run(request).await;
            if here && response.headers().contains_key("grpc-status") {
                spoil_status(response.headers_mut(), change);
            }
            response
        }))
    });
}

fn spoil_status(headers: &mut HeaderMap, change: fn(u16, &str) -> (u16, String)) {
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
    let (code, message) = change(code, &message);
    headers.insert("grpc-status", code.into());
    if let Ok(message) = message.replace(' ', "%20").parse() {
        headers.insert("grpc-message", message);
    }
}

/// Changes every piece of a stream of answers; what is empty is not sent.
pub fn stream(parts: &mut Parts, method: &'static str, change: fn(usize, Bytes) -> Bytes) {
    let before = std::mem::replace(&mut parts.wrap_grpc, Box::new(|router| router));
    parts.wrap_grpc = Box::new(move |router| {
        before(router).layer(from_fn(move |request: Request, next: Next| async move {
            let here = request.uri().path().ends_with(method);
            let response = next.run(request).await;
            if !here {
                return response;
            }
            let (head, body) = response.into_parts();
            let mut number = 0;
            let body = body.map_frame(move |frame| match frame.into_data() {
                Ok(data) => {
                    number += 1;
                    http_body::Frame::data(change(number, data))
                }
                Err(frame) => frame,
            });
            Response::from_parts(head, Body::new(body))
        }))
    });
}

/// Looks at every request before it is handled: its head and its whole body.
pub fn watch(parts: &mut Parts, look: fn(&axum::http::request::Parts, &[u8])) {
    let before = std::mem::replace(&mut parts.wrap_grpc, Box::new(|router| router));
    parts.wrap_grpc = Box::new(move |router| {
        before(router).layer(from_fn(move |request: Request, next: Next| {
            looked_at(request, next, look)
        }))
    });
    let before = std::mem::replace(&mut parts.wrap_http, Box::new(|router| router));
    parts.wrap_http = Box::new(move |router| {
        before(router).layer(from_fn(move |request: Request, next: Next| {
            looked_at(request, next, look)
        }))
    });
}

async fn looked_at(
    request: Request,
    next: Next,
    look: fn(&axum::http::request::Parts, &[u8]),
) -> Response {
    let (head, body) = request.into_parts();
    if head.uri.path().ends_with("/Watch") {
        return next.run(Request::from_parts(head, body)).await;
    }
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    look(&head, &bytes);
    next.run(Request::from_parts(head, Body::from(bytes))).await
}

/// Answers INTERNAL to every request of a method whose message `wrong` finds; what stands after the frame's head.
pub fn refuse(parts: &mut Parts, method: &'static str, wrong: fn(&[u8]) -> bool) {
    let before = std::mem::replace(&mut parts.wrap_grpc, Box::new(|router| router));
    parts.wrap_grpc = Box::new(move |router| {
        before(router).layer(from_fn(move |request: Request, next: Next| async move {
            if !request.uri().path().ends_with(method) {
                return next.run(request).await;
            }
            let (head, body) = request.into_parts();
            let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
            if bytes.get(5..).is_some_and(wrong) {
                let status = tonic::Status::internal("internal error");
                return status.into_http();
            }
            next.run(Request::from_parts(head, Body::from(bytes))).await
        }))
    });
}

/// Holds back every UNAVAILABLE for so long.
pub fn slow_failures(parts: &mut Parts, time: std::time::Duration) {
    parts.wrap_grpc = Box::new(move |router| {
        router.layer(from_fn(move |request: Request, next: Next| async move {
            let response = next.run(request).await;
            if response
                .headers()
                .get("grpc-status")
                .is_some_and(|it| it == "14")
            {
                let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
            }
            response
        }))
    });
}
