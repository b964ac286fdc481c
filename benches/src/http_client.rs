//! An HTTP client of the users' routes that reuses connections.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::ensure;
use axum::body::Bytes;
use axum::http::header::HOST;
use axum::http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use uuid::Uuid;

type Connection = SendRequest<Empty<Bytes>>;

/// A client of one server; clones share a pool of as many connections as there are concurrent callers.
#[derive(Clone)]
pub struct HttpClient(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    host: HeaderValue,
    /// Connections that are not in use.
    idle: Mutex<Vec<Connection>>,
}

impl HttpClient {
    /// A client of the server on this local port.
    pub fn new(port: u16) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let host = HeaderValue::try_from(address.to_string()).expect("an address is ASCII");
        Self(Arc::new(Inner {
            address,
            host,
            idle: Mutex::default(),
        }))
    }

    /// Sends `GET /api/v1/users/{id}` and reads the whole response.
    pub async fn get(&self, id: Uuid) -> anyhow::Result<()> {
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        connection.ready().await?;
        let request = Request::get(format!("/api/v1/users/{id}"))
            .header(HOST, self.0.host.clone())
            .body(Empty::new())?;
        let response = connection.send_request(request).await?;
        let status = response.status();
        response.into_body().collect().await?;
        ensure!(status == StatusCode::OK, "the route responds with {status}");
        self.idle().push(connection);
        Ok(())
    }

    async fn connect(&self) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(self.0.address).await?;
        stream.set_nodelay(true)?;
        let (requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(requests)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
