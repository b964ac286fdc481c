//! The one connection that all calls share: opened on first use, and again after it was lost.

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

use super::connection::{CONNECT_TIMEOUT, Connection, SendError, with_user_agent};
use super::response::ResponseBody;
use super::transport_error::connection_lost;
use crate::settings::Settings;

/// A connection that is opening, open or failed, shared by all calls that wait for it.
type Pending = Shared<BoxFuture<'static, Result<Connection, Status>>>;

/// Sends requests to the user service. Clones share the connection.
#[derive(Clone)]
pub struct Channel(Arc<Inner>);

struct Inner {
    address: Uri,
    connector: HttpConnector,
    keepalive_time: Duration,
    /// The current connection. Never locked across an await.
    current: Mutex<Option<Pending>>,
}

impl Channel {
    /// A channel without a connection yet.
    pub fn new(settings: &Settings) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        // Divided among the addresses of a host, so that each is tried.
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        Self(Arc::new(Inner {
            address: settings.user_service.clone(),
            connector,
            keepalive_time: settings.keepalive_time,
            current: Mutex::new(None),
        }))
    }

    /// The address of the user service.
    pub fn origin(&self) -> Uri {
        self.0.address.clone()
    }

    /// The connection; without an open one, waits for the one that all calls wait for.
    pub async fn connection(&self) -> Result<Connection, Status> {
        let pending = {
            let mut current = self.current();
            let usable = current.take().filter(|pending| match pending.peek() {
                None => true,
                Some(Ok(connection)) => connection.is_open(),
                Some(Err(_)) => false,
            });
            current
                .insert(usable.unwrap_or_else(|| self.connect()))
                .clone()
        };
        pending.await
    }

    async fn send(self, request: Request<Body>) -> Result<Response<ResponseBody>, Status> {
        let mut request = with_user_agent(request);
        // A closing connection returns a request that it did not send: the next connection sends it, as
        // part of the same attempt.
        for _ in 0..2 {
            match self.connection().await?.send(request).await {
                Ok(response) => return Ok(response),
                Err(SendError::Unsent(unsent)) => request = *unsent,
                Err(SendError::Failed(status)) => return Err(status),
            }
        }
        Err(connection_lost())
    }

    /// Begins to connect, in a task of its own: a call that is cancelled does not stop it for the others.
    fn connect(&self) -> Pending {
        let Inner {
            connector,
            address,
            keepalive_time,
            ..
        } = &*self.0;
        let connecting = Connection::open(connector.clone(), address.clone(), *keepalive_time);
        let connecting = tokio::spawn(connecting);
        async { connecting.await.unwrap_or_else(|_| Err(connection_lost())) }
            .boxed()
            .shared()
    }

    fn current(&self) -> MutexGuard<'_, Option<Pending>> {
        self.0
            .current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<ResponseBody>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<ResponseBody>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}
