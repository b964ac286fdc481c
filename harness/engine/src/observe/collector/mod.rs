//! A collector of spans: OTLP over gRPC, on a port of this machine.
//!
//! - `decode`: exported spans as [`Span`](super::spans::Span)s
//! - `store`: the spans that scenarios wait for, with bounded memory
//! - `forward`: another collector that receives the same spans
//! - `service`: the gRPC service, and how it answers

mod decode;
mod forward;
mod service;
mod store;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::TraceServiceServer;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codec::CompressionEncoding;

pub use self::forward::Forward;
pub use self::service::Answer;
use self::service::Service;
use self::store::Store;
pub use self::store::Subscription;
use crate::sandbox::ports::{Port, Ports};

/// The longest message that is accepted: exporters split what they send into far smaller ones.
const MAX_MESSAGE: usize = 64 << 20;

/// A collector that accepts spans until it is dropped.
///
/// What it holds is what scenarios subscribed to; other spans are accepted and forgotten. Outages of the network are a
/// matter of a link in front of it.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    store: Arc<Store>,
    server: JoinHandle<()>,
    /// Keeps the port allocated.
    _port: Port,
}

impl Collector {
    /// Starts a collector on a port of 127.0.0.1 that gives this answer to every export.
    ///
    /// Fails if no port is free. Must be called within a Tokio runtime, which runs the server.
    pub async fn start(ports: &Ports, answer: Answer) -> io::Result<Self> {
        let port = ports.take()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.number()));
        let listener = TcpListener::bind(address).await?;
        let store = Arc::<Store>::default();
        let service = TraceServiceServer::new(Service::new(store.clone(), answer))
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(MAX_MESSAGE);
        let server = tonic::transport::Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener));
        // It fails only with its listener, and then every scenario misses its spans.
        let server = tokio::spawn(async move { drop(server.await) });
        Ok(Self {
            address,
            store,
            server,
            _port: port,
        })
    }

    /// The address that exporters connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A subscription that follows nothing yet.
    pub fn subscribe(&self) -> Subscription {
        Subscription::new(self.store.clone())
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}
