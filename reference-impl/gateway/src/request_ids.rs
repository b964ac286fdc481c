//! The id that every answer carries (GWY-7).

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use platform::request_id;

/// The id of a request, among its extensions.
#[derive(Debug, Clone)]
pub struct RequestId(pub HeaderValue);

/// Middleware around everything: gives each request its id, and its answer the same.
pub async fn assign(mut request: Request, next: Next) -> Response {
    let id = request_id::of(request.headers());
    let id = HeaderValue::try_from(id).expect("it came in a header, or is a UUID");
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    response.headers_mut().insert(request_id::HEADER, id);
    response
}
