//! HTTP as a gateway gets it: any method, any path as it is written, any headers, any body.

use std::time::{Duration, Instant};

use bytes::Bytes;
use conformance_engine::failure::{Failure, StepResult};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// When an answer is given up; far above every limit of the contract.
const GIVE_UP: Duration = Duration::from_secs(30);

/// A client of one instance; clones share its connections.
#[derive(Clone, Debug)]
pub struct Gateway {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// As they came.
    pub headers: HeaderMap,
    /// All of it.
    pub body: Bytes,
    /// From sending to the last byte.
    pub took: Duration,
}

impl Answer {
    /// A header's text; empty without one.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|it| it.to_str().ok()).unwrap_or_default()
    }

    /// For people: `404 {"error":"user not found"}`.
    pub fn shown(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        let cut: String = body.chars().take(300).collect();
        format!("{} {cut}", self.status)
    }
}

/// Why there is no answer.
pub type NoAnswer = Box<dyn std::error::Error + Send + Sync>;

impl Gateway {
    /// A client of `url`, a scheme and an authority.
    pub fn connect(url: &str) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            url: url.to_owned(),
        }
    }

    /// A request to a path and query, exactly as they are written; the builder's error is the scenario's fault.
    pub fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
    }

    /// Sends it and reads the whole answer.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let begun = Instant::now();
        let exchange = async {
            let (head, body) = self.client.request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(Answer {
                status: head.status.as_u16(),
                headers: head.headers,
                body,
                took: begun.elapsed(),
            })
        };
        let given_up = |_| Err(format!("no answer within {} s", GIVE_UP.as_secs()).into());
        let answer = tokio::time::timeout(GIVE_UP, exchange).await;
        answer.unwrap_or_else(given_up)
    }
}

/// A request that the scenario has put together.
pub fn whole(
    builder: http::request::Builder,
    body: impl Into<Bytes>,
) -> StepResult<Request<Full<Bytes>>> {
    builder
        .body(Full::new(body.into()))
        .map_err(Failure::broken)
}
