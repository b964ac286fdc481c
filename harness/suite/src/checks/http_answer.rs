//! An HTTP answer, as drivers return it and checks read it.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

/// A complete HTTP answer.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// From sending to the last byte.
    pub took: Duration,
}

impl HttpAnswer {
    /// The value of a header; empty if it is missing or no text.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|it| it.to_str().ok()).unwrap_or_default()
    }

    /// For messages: `404 {"error":"user not found"}`.
    pub fn shown(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        let cut: String = body.chars().take(300).collect();
        format!("{} {cut}", self.status)
    }
}
