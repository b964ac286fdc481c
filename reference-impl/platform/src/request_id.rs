//! The id that a request is known by, in every log and on its way from program to program (GWY-7).

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

/// The header, and the metadata of gRPC, that carries it.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, among its extensions.
#[derive(Debug, Clone)]
pub struct RequestId(pub HeaderValue);

impl RequestId {
    /// The id that [`assign`] gave to a request.
    pub fn of(request: &Request) -> Self {
        let id = request.extensions().get().cloned();
        id.expect("ids are assigned around everything")
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().expect("it is visible ASCII")
    }
}

/// Middleware around everything: gives each request its id, and the response the same.
pub async fn assign(mut request: Request, next: Next) -> Response {
    let id = HeaderValue::try_from(of(request.headers())).expect("it is visible ASCII");
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    response.headers_mut().insert(HEADER, id);
    response
}

/// The caller's id if it is valid, else a new one.
pub fn of(headers: &HeaderMap) -> String {
    headers
        .get(HEADER)
        .and_then(|value| value.to_str().ok())
        .filter(|id| is_valid(id))
        .map_or_else(|| Uuid::new_v4().to_string(), ToOwned::to_owned)
}

/// 1 to 128 visible ASCII characters.
pub fn is_valid(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_kept_if_it_is_valid() {
        let sent = |id: &str| {
            let value = id.parse().expect("a header's value");
            of(&HeaderMap::from_iter([(HEADER, value)]))
        };
        assert_eq!(sent("req-1"), "req-1");
        assert_eq!(sent(&"a".repeat(128)), "a".repeat(128));
        for id in ["", "a b", "é", &"a".repeat(129)] {
            assert_ne!(sent(id), id);
        }
    }

    #[test]
    fn a_request_without_one_gets_a_new_one() {
        let made = || of(&HeaderMap::new());
        assert!(is_valid(&made()));
        assert_ne!(made(), made());
    }
}
