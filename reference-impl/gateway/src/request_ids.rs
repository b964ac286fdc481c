//! The id on every response (GWY-7).

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use platform::request_id;

/// The id of a request, among its extensions.
#[derive(Debug, Clone)]
pub struct RequestId(pub HeaderValue);

/// Middleware around everything: gives each request its id, and the response the same.
pub async fn assign(mut request: Request, next: Next) -> Response {
    let id = request_id::of(request.headers());
    let id = HeaderValue::try_from(id).expect("it is a header's value or a UUID");
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    response.headers_mut().insert(request_id::HEADER, id);
    response
}
