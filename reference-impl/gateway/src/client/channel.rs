//! The one connection that all calls share: opened when it is first needed, and again when it was lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::{Request, Response, Uri};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use hyper_util::client::legacy::connect::HttpConnector;
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use super::answer::Answer;
use super::connection::{Connection, ConnectionRules, Refused, lost, with_agent};
use crate::settings::Settings;

/// A try to connect, and what came of it, for all who wait for it.
type Attempt = Shared<BoxFuture<'static, Result<Connection, Status>>>;

/// The way to the user service. Clones share it.
#[derive(Clone)]
pub struct Channel(Arc<Inner>);

struct Inner {
    address: Uri,
    connector: HttpConnector,
    keepalive_time: Duration,
    rules: ConnectionRules,
    /// The last try to connect. Held for no longer than it takes to look at it.
    last: Mutex<Option<Attempt>>,
}

impl Channel {
    /// A channel that is not connected yet.
    pub fn new(settings: &Settings, rules: ConnectionRules) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        // Shared out among a host's addresses, so that each has its chance.
        connector.set_connect_timeout(Some(rules.connect_timeout));
        Self(Arc::new(Inner {
            address: settings.user_service.clone(),
            connector,
            keepalive_time: settings.keepalive_time,
            rules,
            last: Mutex::new(None),
        }))
    }

    /// Where calls go.
    pub fn origin(&self) -> Uri {
        self.0.address.clone()
    }

    /// The connection; if there is none that works, waits for the one try that all wait for.
    pub async fn connection(&self) -> Result<Connection, Status> {
        let attempt = {
            let mut last = self.last();
            let usable = last.take().filter(|attempt| match attempt.peek() {
                None => true,
                Some(Ok(connection)) => connection.is_open(),
                Some(Err(_)) => false,
            });
            last.insert(usable.unwrap_or_else(|| self.attempt()))
                .clone()
        };
        attempt.await
    }

    async fn send(self, request: Request<Body>) -> Result<Response<Answer>, Status> {
        let mut request = with_agent(request);
        // A connection that is closing refuses what it did not send: that is no try yet, and the
        // next connection is another one.
        for _ in 0..2 {
            match self.connection().await?.send(request).await {
                Ok(answer) => return Ok(answer),
                Err(Refused::Unsent(unsent)) => request = *unsent,
                Err(Refused::Failed(status)) => return Err(status),
            }
        }
        Err(lost())
    }

    /// Begins to connect. It goes on whoever still waits for it.
    fn attempt(&self) -> Attempt {
        let Inner {
            connector,
            address,
            keepalive_time,
            rules,
            ..
        } = &*self.0;
        let connecting =
            Connection::open(connector.clone(), address.clone(), *keepalive_time, *rules);
        let connecting = tokio::spawn(connecting);
        async { connecting.await.unwrap_or_else(|_| Err(lost())) }
            .boxed()
            .shared()
    }

    fn last(&self) -> MutexGuard<'_, Option<Attempt>> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Answer>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Answer>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}
