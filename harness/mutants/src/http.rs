//! Changes HTTP requests to a gateway, and its responses.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts as Head;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use platform::http::Wrap;
use serde_json::{Map, Value, json};

/// A response with its whole body, and the request that it belongs to.
pub struct BufferedResponse {
    /// The request's method.
    pub method: Method,
    /// The request's path and query.
    pub uri: Uri,
    /// The status.
    pub status: StatusCode,
    /// The headers, without `Content-Length`.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

impl BufferedResponse {
    /// Whether the status is 400 or higher.
    pub fn is_error(&self) -> bool {
        self.status.as_u16() >= 400
    }

    /// Whether the request was for this path.
    pub fn is_for_path(&self, path: &str) -> bool {
        self.uri.path() == path
    }

    /// Sets the status.
    pub fn set_status(&mut self, status: u16) {
        self.status = StatusCode::from_u16(status).expect("a status");
    }

    /// Changes the body if it is JSON.
    pub fn change_json(&mut self, change: impl FnOnce(&mut Value)) {
        if let Ok(mut body) = serde_json::from_slice(&self.body) {
            change(&mut body);
            self.body = body.to_string().into_bytes();
        }
    }

    /// Changes every user in the body.
    pub fn change_users(&mut self, change: impl Fn(&mut Map<String, Value>)) {
        self.change_json(|body| {
            if let Some(user) = body.get_mut("user").and_then(Value::as_object_mut) {
                change(user);
            }
            let users = body.get_mut("users").and_then(Value::as_array_mut);
            let users = users.into_iter().flatten();
            users.filter_map(Value::as_object_mut).for_each(change);
        });
    }

    /// Replaces the body and its `Content-Type`.
    pub fn set_body(&mut self, content_type: &'static str, body: impl Into<Vec<u8>>) {
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = body.into();
    }
}

/// Adds a handler around a router; it runs before the request is routed and after the response is made.
pub fn wrap_router<A: Future<Output = Response> + Send + 'static>(
    wrap: &mut Wrap,
    handle: impl Fn(Request, Next) -> A + Clone + Send + Sync + 'static,
) {
    let inner = std::mem::replace(wrap, Box::new(|router| router));
    *wrap = Box::new(move |router| {
        let everything = Router::new().fallback_service(inner(router));
        everything.layer(from_fn(handle))
    });
}

/// Changes every response.
pub fn change_responses(
    wrap: &mut Wrap,
    change: impl Fn(&mut BufferedResponse) + Copy + Send + Sync + 'static,
) {
    wrap_router(wrap, move |request, next| {
        change_response(request, next, change)
    });
}

async fn change_response(
    request: Request,
    next: Next,
    change: impl Fn(&mut BufferedResponse),
) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let (head, body) = next.run(request).await.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default().into();
    let mut buffered = BufferedResponse {
        method,
        uri,
        status: head.status,
        headers: head.headers,
        body,
    };
    buffered.headers.remove(CONTENT_LENGTH);
    change(&mut buffered);
    let mut response = Response::new(Body::from(buffered.body));
    *response.status_mut() = buffered.status;
    *response.headers_mut() = buffered.headers;
    response
}

/// Changes the head of every request.
pub fn change_request_heads(wrap: &mut Wrap, change: fn(&mut Head)) {
    wrap_router(wrap, move |request: Request, next: Next| async move {
        let (mut head, body) = request.into_parts();
        change(&mut head);
        next.run(Request::from_parts(head, body)).await
    });
}

/// Changes the body of every request of the API.
pub fn change_request_bodies(wrap: &mut Wrap, change: fn(&Head, &mut Vec<u8>)) {
    wrap_router(wrap, move |request: Request, next: Next| async move {
        if !request.uri().path().starts_with("/api/") {
            return next.run(request).await;
        }
        let (mut head, body) = request.into_parts();
        let mut bytes = to_bytes(body, usize::MAX).await.unwrap_or_default().into();
        change(&head, &mut bytes);
        head.headers.remove(CONTENT_LENGTH);
        next.run(Request::from_parts(head, Body::from(bytes))).await
    });
}

/// Changes a body if it is a JSON object.
pub fn change_json_object(body: &mut Vec<u8>, change: impl FnOnce(&mut Map<String, Value>)) {
    if let Ok(mut object) = serde_json::from_slice(body) {
        change(&mut object);
        *body = Value::Object(object).to_string().into_bytes();
    }
}

/// Answers a request with the response that `respond` returns; passes the request on if it returns `None`.
pub fn respond_early(
    wrap: &mut Wrap,
    respond: impl Fn(&Head, &Bytes) -> Option<Response> + Copy + Send + Sync + 'static,
) {
    wrap_router(wrap, move |request: Request, next: Next| async move {
        let (head, body) = request.into_parts();
        let Ok(bytes) = to_bytes(body, usize::MAX).await else {
            return error_response(&head, 400, "the body is broken");
        };
        if let Some(response) = respond(&head, &bytes) {
            return response;
        }
        next.run(Request::from_parts(head, Body::from(bytes))).await
    });
}

/// An error response in the contract's format, with the request's id.
pub fn error_response(head: &Head, status: u16, message: &str) -> Response {
    let body = json!({ "error": message }).to_string();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    let fallback = HeaderValue::from_static("made-here");
    let id = head
        .headers
        .get("x-request-id")
        .cloned()
        .unwrap_or(fallback);
    let headers = response.headers_mut();
    headers.insert("x-request-id", id);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The value of a query parameter, not decoded.
pub fn query_parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let pairs = uri.query().unwrap_or_default().split('&');
    let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.find(|it| it.0 == name).map(|it| it.1)
}

/// Replaces the path and query of a request.
pub fn set_target(head: &mut Head, target: &str) {
    if let Ok(uri) = target.parse() {
        head.uri = uri;
    }
}

/// Decodes percent escapes; replaces bytes that are not valid UTF-8.
pub fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let escape = after.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        if let (b'%', Some(byte)) = (byte, escape.and_then(|it| u8::from_str_radix(it, 16).ok())) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*byte);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
