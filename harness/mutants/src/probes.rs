//! What answers of probes become.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use platform::http::Wrap;
use serde_json::Value;

/// An answer: its status and its JSON.
pub struct Probe {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body.
    pub body: Value,
}

/// Passes every answer to a request of this path through `fault`.
pub fn inject(wrap: &mut Wrap, path: &'static str, fault: fn(&mut Probe)) {
    *wrap = Box::new(move |router| {
        router.layer(from_fn(move |request: Request, next: Next| async move {
            let here = request.uri().path() == path;
            let response = next.run(request).await;
            if here {
                rewrite(response, fault).await
            } else {
                response
            }
        }))
    });
}

async fn rewrite(response: Response, fault: fn(&mut Probe)) -> Response {
    let status = response.status();
    let bytes = to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap_or_default();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let mut probe = Probe { status, body };
    fault(&mut probe);
    let mut response = Response::new(Body::from(probe.body.to_string()));
    *response.status_mut() = probe.status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// Changes each component of a health answer.
pub fn each_component(probe: &mut Probe, change: impl Fn(&mut Value)) {
    if let Some(list) = probe
        .body
        .get_mut("components")
        .and_then(Value::as_array_mut)
    {
        list.iter_mut().for_each(change);
    }
}
