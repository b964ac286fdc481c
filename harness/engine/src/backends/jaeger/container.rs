//! Jaeger in a container.

use std::sync::Arc;

use testcontainers_modules::testcontainers::core::IntoContainerPort as _;
use testcontainers_modules::testcontainers::{GenericImage, ImageExt as _};

use super::server::{Endpoints, JAEGER, probe};
use crate::backends::container::{Container, POLL_INTERVAL};
use crate::backends::engine::Image;
use crate::backends::provider::BackendError;
use crate::backends::server::{ManagedServer, Workspace, wait_until_ready};

/// The port of OTLP over gRPC in the container.
const OTLP_PORT: u16 = 4317;

/// The port of the query API in the container.
const QUERY_PORT: u16 = 16686;

/// Starts a server and waits until it answers; the text is its version.
pub(super) async fn start(
    image: &Image,
    workspace: Workspace,
) -> Result<(Arc<dyn ManagedServer>, Endpoints, String), BackendError> {
    let request = GenericImage::new(&image.name, &image.tag)
        .with_mapped_port(0, QUERY_PORT.tcp())
        .with_env_var("SPAN_STORAGE_TYPE", "memory")
        // Its default is the loopback interface, which is not reachable from outside.
        .with_env_var(
            "COLLECTOR_OTLP_GRPC_HOST_PORT",
            format!("0.0.0.0:{OTLP_PORT}"),
        )
        .with_env_var(
            "QUERY_HTTP_SERVER_HOST_PORT",
            format!("0.0.0.0:{QUERY_PORT}"),
        );
    let server = Container::start(&JAEGER, 1, OTLP_PORT, request, workspace).await?;
    let endpoints = Endpoints {
        otlp: server.address(),
        query: format!("http://{}", server.address_of(QUERY_PORT).await?),
    };
    let version = wait_until_ready(&server, POLL_INTERVAL, || probe(endpoints.clone())).await?;
    Ok((Arc::new(server), endpoints, version))
}
