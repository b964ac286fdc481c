//! Everything that an instance answered, byte by byte: what a decoded answer leaves out stands here too.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use tonic::body::Body;
use tonic::transport::Channel;
use tower::Service;

/// The bytes of all answers since it was begun; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Transcript(Arc<Mutex<Option<Vec<u8>>>>);

impl Transcript {
    /// Keeps every answer from now on.
    pub fn begin(&self) {
        self.bytes().get_or_insert_default();
    }

    /// What was kept; none where nothing was to be.
    pub fn kept(&self) -> Option<Vec<u8>> {
        self.bytes().clone()
    }

    /// Keeps a piece of an answer, if it is to be kept.
    pub fn add(&self, piece: &[u8]) {
        if let Some(bytes) = self.bytes().as_mut() {
            bytes.extend(piece);
        }
    }

    /// The same of headers.
    pub fn add_headers(&self, headers: &HeaderMap) {
        for (name, value) in headers {
            self.add(name.as_str().as_bytes());
            self.add(b": ");
            self.add(value.as_bytes());
            self.add(b"\n");
        }
    }

    fn bytes(&self) -> MutexGuard<'_, Option<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A channel whose answers go through a transcript.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Where calls go.
    pub channel: Channel,
    /// Where answers are kept.
    pub transcript: Transcript,
}

impl Service<Request<Body>> for Recorded {
    type Response = Response<Body>;
    type Error = tonic::transport::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.channel.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (call, transcript) = (self.channel.call(request), self.transcript.clone());
        Box::pin(async move {
            let response = call.await?;
            transcript.add_headers(response.headers());
            Ok(response
                .map(|body| Body::new(body.map_frame(move |frame| kept(frame, &transcript)))))
        })
    }
}

/// The frame, once it is kept.
fn kept(frame: http_body::Frame<Bytes>, transcript: &Transcript) -> http_body::Frame<Bytes> {
    if let Some(data) = frame.data_ref() {
        transcript.add(data);
    }
    if let Some(trailers) = frame.trailers_ref() {
        transcript.add_headers(trailers);
    }
    frame
}
