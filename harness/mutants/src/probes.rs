//! Changes the responses of `/live`, `/ready` and `/health`.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use platform::http::Wrap;
use serde_json::Value;

/// A response of a health endpoint: its status and its JSON body.
pub struct ProbeResponse {
    /// The HTTP status.
    pub status: StatusCode,
    /// The JSON body.
    pub body: Value,
}

/// Changes every response to a request of this path.
pub fn change_probe(wrap: &mut Wrap, path: &'static str, change: fn(&mut ProbeResponse)) {
    *wrap = Box::new(move |router| {
        router.layer(from_fn(move |request: Request, next: Next| async move {
            let is_probe = request.uri().path() == path;
            let response = next.run(request).await;
            if is_probe {
                change_response(response, change).await
            } else {
                response
            }
        }))
    });
}

async fn change_response(response: Response, change: fn(&mut ProbeResponse)) -> Response {
    let status = response.status();
    let bytes = to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap_or_default();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let mut probe = ProbeResponse { status, body };
    change(&mut probe);
    let mut response = Response::new(Body::from(probe.body.to_string()));
    *response.status_mut() = probe.status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// Changes each component in a `/health` response.
pub fn change_components(probe: &mut ProbeResponse, change: impl Fn(&mut Value)) {
    if let Some(list) = probe
        .body
        .get_mut("components")
        .and_then(Value::as_array_mut)
    {
        list.iter_mut().for_each(change);
    }
}
