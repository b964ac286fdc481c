//! HTTP requests to a gateway: any method, any path exactly as given, any headers, any body.

use std::time::{Duration, Instant};

use bytes::Bytes;
use conformance_engine::failure::{Failure, StepResult};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::checks::http_answer::HttpAnswer;

/// Time limit of an answer, far above every limit of the contract.
const GIVE_UP: Duration = Duration::from_secs(30);

/// A client of one instance; clones share its connections.
#[derive(Clone, Debug)]
pub struct Gateway {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
}

/// Why there is no answer.
pub type TransportError = Box<dyn std::error::Error + Send + Sync>;

impl Gateway {
    /// A client of `url`, a scheme and an authority.
    pub fn connect(url: &str) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            url: url.to_owned(),
        }
    }

    /// A request to a path and query, exactly as given; an error of the builder is an error of the suite.
    pub fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
    }

    /// Sends it and reads the whole answer.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<HttpAnswer, TransportError> {
        let begun = Instant::now();
        let exchange = async {
            let (head, body) = self.client.request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(HttpAnswer {
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

/// Completes a request with its body.
pub fn whole(
    builder: http::request::Builder,
    body: impl Into<Bytes>,
) -> StepResult<Request<Full<Bytes>>> {
    builder
        .body(Full::new(body.into()))
        .map_err(Failure::broken)
}
