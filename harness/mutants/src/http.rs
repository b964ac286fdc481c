//! What requests to a gateway become, and its answers.

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

/// An answer, whole, and what it answers.
pub struct Answer {
    /// The request's method.
    pub method: Method,
    /// The request's path and query.
    pub uri: Uri,
    /// The HTTP status.
    pub status: StatusCode,
    /// As they are sent.
    pub headers: HeaderMap,
    /// All of it.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.status.as_u16() >= 400
    }

    /// Whether the request is for this path.
    pub fn is_of(&self, path: &str) -> bool {
        self.uri.path() == path
    }

    /// Sets the status.
    pub fn set(&mut self, status: u16) {
        self.status = StatusCode::from_u16(status).expect("a status");
    }

    /// Changes the JSON of the body, if there is any.
    pub fn json(&mut self, change: impl FnOnce(&mut Value)) {
        if let Ok(mut body) = serde_json::from_slice(&self.body) {
            change(&mut body);
            self.body = body.to_string().into_bytes();
        }
    }

    /// Changes every user that it shows.
    pub fn each_user(&mut self, change: impl Fn(&mut Map<String, Value>)) {
        self.json(|body| {
            if let Some(user) = body.get_mut("user").and_then(Value::as_object_mut) {
                change(user);
            }
            let users = body.get_mut("users").and_then(Value::as_array_mut);
            let users = users.into_iter().flatten();
            users.filter_map(Value::as_object_mut).for_each(change);
        });
    }

    /// Sends this text instead.
    pub fn text(&mut self, kind: &'static str, text: impl Into<Vec<u8>>) {
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        self.body = text.into();
    }
}

/// Puts a handler around everything: before a request finds its route, and after its answer is whole.
pub fn around<A: Future<Output = Response> + Send + 'static>(
    wrap: &mut Wrap,
    handle: impl Fn(Request, Next) -> A + Clone + Send + Sync + 'static,
) {
    let before = std::mem::replace(wrap, Box::new(|router| router));
    *wrap = Box::new(move |router| {
        let everything = Router::new().fallback_service(before(router));
        everything.layer(from_fn(handle))
    });
}

/// Changes every answer.
pub fn answers(wrap: &mut Wrap, change: impl Fn(&mut Answer) + Copy + Send + Sync + 'static) {
    around(wrap, move |request, next| changed(request, next, change));
}

async fn changed(request: Request, next: Next, change: impl Fn(&mut Answer)) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let (head, body) = next.run(request).await.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default().into();
    let mut answer = Answer {
        method,
        uri,
        status: head.status,
        headers: head.headers,
        body,
    };
    answer.headers.remove(CONTENT_LENGTH);
    change(&mut answer);
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

/// Changes the head of every request.
pub fn heads(wrap: &mut Wrap, change: fn(&mut Head)) {
    around(wrap, move |request: Request, next: Next| async move {
        let (mut head, body) = request.into_parts();
        change(&mut head);
        next.run(Request::from_parts(head, body)).await
    });
}

/// Changes the body of every request of the API.
pub fn bodies(wrap: &mut Wrap, change: fn(&Head, &mut Vec<u8>)) {
    around(wrap, move |request: Request, next: Next| async move {
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

/// Changes every JSON object that is sent.
pub fn objects(body: &mut Vec<u8>, change: impl FnOnce(&mut Map<String, Value>)) {
    if let Ok(mut object) = serde_json::from_slice(body) {
        change(&mut object);
        *body = Value::Object(object).to_string().into_bytes();
    }
}

/// Answers some requests of the API itself, given their heads and whole bodies.
pub fn instead(
    wrap: &mut Wrap,
    answer: impl Fn(&Head, &Bytes) -> Option<Response> + Copy + Send + Sync + 'static,
) {
    around(wrap, move |request: Request, next: Next| async move {
        let (head, body) = request.into_parts();
        let Ok(bytes) = to_bytes(body, usize::MAX).await else {
            return refused(&head, 400, "the body is broken");
        };
        if let Some(response) = answer(&head, &bytes) {
            return response;
        }
        next.run(Request::from_parts(head, Body::from(bytes))).await
    });
}

/// An error in the shape of the contract, with the request's id.
pub fn refused(head: &Head, status: u16, message: &str) -> Response {
    let body = json!({ "error": message }).to_string();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    let made = HeaderValue::from_static("made-here");
    let id = head.headers.get("x-request-id").cloned().unwrap_or(made);
    let headers = response.headers_mut();
    headers.insert("x-request-id", id);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The parameters of a query, each as it stands there.
pub fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let pairs = uri.query().unwrap_or_default().split('&');
    let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.find(|it| it.0 == name).map(|it| it.1)
}

/// Puts another path and query in a request.
pub fn target(head: &mut Head, target: &str) {
    if let Ok(uri) = target.parse() {
        head.uri = uri;
    }
}

/// The text behind escapes of a URL.
pub fn decoded(text: &str) -> String {
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
