//! An answer as it stands on the wire: headers, bytes, trailers, in any combination.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use tonic::Status;

use crate::drivers::wire::framed;

const GRPC_STATUS: &str = "grpc-status";
const GRPC_MESSAGE: &str = "grpc-message";

/// What goes out. Without bytes and trailers, the headers end the stream.
#[derive(Clone, Debug, Default)]
pub struct Raw {
    /// 200 for any gRPC response.
    pub status: StatusCode,
    /// With the content type.
    pub headers: HeaderMap,
    /// Each is a frame of DATA, or more if it is too large for one.
    pub body: Vec<Bytes>,
    /// Nothing: the last bytes end the stream.
    pub trailers: Option<HeaderMap>,
}

impl Raw {
    /// Headers of gRPC and nothing else.
    pub fn grpc() -> Self {
        Self::default().header("content-type", "application/grpc")
    }

    /// A status and no message, all in the headers (trailers-only).
    pub fn status(code: u32, message: HeaderValue) -> Self {
        let mut raw = Self::grpc();
        raw.headers.insert(GRPC_STATUS, code.into());
        if !message.is_empty() {
            raw.headers.insert(GRPC_MESSAGE, message);
        }
        raw
    }

    /// The result of a call by the contract.
    pub fn reply(result: Result<Bytes, Status>) -> Self {
        match result {
            Ok(message) => Self::grpc().message(&message).ended(0),
            Err(status) => Self::status(status.code() as u32, encoded(status.message())),
        }
    }

    /// An HTTP answer without gRPC, such as a proxy in between would give.
    pub fn http(status: StatusCode) -> Self {
        let page = format!("<html><body>{status}</body></html>");
        Self {
            status,
            ..Self::default()
        }
        .header("content-type", "text/html")
        .data(page)
    }

    /// The same with one more message.
    #[must_use]
    pub fn message(self, message: &[u8]) -> Self {
        self.data(framed(message))
    }

    /// The same with any further bytes.
    #[must_use]
    pub fn data(mut self, bytes: impl Into<Bytes>) -> Self {
        self.body.push(bytes.into());
        self
    }

    /// The same with trailers that hold this code.
    #[must_use]
    pub fn ended(mut self, code: u32) -> Self {
        let trailers = self.trailers.get_or_insert_default();
        trailers.insert(GRPC_STATUS, code.into());
        self
    }

    /// The same with this header, replacing any of that name.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// The code in its trailers or headers.
    pub fn code(&self) -> Option<u32> {
        let of = |it: &HeaderMap| it.get(GRPC_STATUS)?.to_str().ok()?.parse().ok();
        self.trailers
            .as_ref()
            .and_then(of)
            .or_else(|| of(&self.headers))
    }

    /// Whether the headers are all of it.
    pub fn is_headers_only(&self) -> bool {
        self.body.is_empty() && self.trailers.is_none()
    }

    /// The headers, as `h2` wants them.
    pub fn head(&self) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = self.status;
        self.headers.clone_into(response.headers_mut());
        response
    }
}

/// Text as `grpc-message` carries it: what is not printable ASCII, and `%`, in per cent encoding.
pub fn encoded(text: &str) -> HeaderValue {
    let mut out = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    HeaderValue::from_maybe_shared(Bytes::from(out))
        .expect("printable ASCII is what a header may hold")
}
