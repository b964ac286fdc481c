//! What the calls of one request have in common.

use axum::http::{HeaderValue, Method};
use tokio::time::Instant;

/// The context of one request; among its extensions.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Its HTTP method: decides whether its calls may be repeated (RES-2).
    pub method: Method,
    /// Its id, sent with every call (GWY-7).
    pub request_id: HeaderValue,
    /// The end of all its upstream work (RES-1).
    pub deadline: Instant,
}
