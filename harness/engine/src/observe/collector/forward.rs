//! Another collector that receives the same spans.

use std::net::SocketAddr;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

/// A client of another collector; clones share its connection.
#[derive(Clone, Debug)]
pub struct Forward(TraceServiceClient<Channel>);

impl Forward {
    /// A client of this address, connected at the first export. Fails if the address is no URL's.
    pub fn to(address: SocketAddr) -> Result<Self, tonic::transport::Error> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
        Ok(Self(TraceServiceClient::new(endpoint.connect_lazy())))
    }

    /// Sends an export, and waits until it was accepted.
    pub async fn send(&self, request: ExportTraceServiceRequest) -> Result<(), Status> {
        self.0.clone().export(request).await.map(|_| ())
    }
}
