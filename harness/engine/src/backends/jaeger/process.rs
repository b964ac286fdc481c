//! Jaeger as a process of this machine: all of it in one program, with its spans in memory.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::server::{Endpoints, JAEGER, MIN_VERSION, VERSION_PREFIX, probe};
use crate::backends::programs::{Program, ProgramQuery};
use crate::backends::provider::BackendError;
use crate::backends::server::{ManagedServer, POLL_INTERVAL, Server, Workspace, wait_until_ready};
use crate::sandbox::host::Host;
use crate::sandbox::ports::Port;

const QUERY: ProgramQuery = ProgramQuery {
    backend: &JAEGER,
    names: &["jaeger-all-in-one"],
    version_prefix: VERSION_PREFIX,
    min_version: MIN_VERSION,
    companions: &[],
};

/// How often a server is started, each time on other ports, if another program takes a port first.
const MAX_ATTEMPTS: usize = 3;

/// The variable of the listener that takes spans. Variables, unlike flags, may name a listener that a version of Jaeger
/// does not have.
const OTLP: &str = "COLLECTOR_OTLP_GRPC_HOST_PORT";

/// The variable of the listener that answers queries.
const QUERIES: &str = "QUERY_HTTP_SERVER_HOST_PORT";

/// The variables of all other listeners: on their default ports two servers would meet.
const OTHERS: [&str; 9] = [
    "ADMIN_HTTP_HOST_PORT",
    "COLLECTOR_GRPC_SERVER_HOST_PORT",
    "COLLECTOR_HTTP_SERVER_HOST_PORT",
    "COLLECTOR_OTLP_HTTP_HOST_PORT",
    "HTTP_SERVER_HOST_PORT",
    "PROCESSOR_JAEGER_BINARY_SERVER_HOST_PORT",
    "PROCESSOR_JAEGER_COMPACT_SERVER_HOST_PORT",
    "PROCESSOR_ZIPKIN_COMPACT_SERVER_HOST_PORT",
    "QUERY_GRPC_SERVER_HOST_PORT",
];

/// Finds the program.
pub(super) fn find_program(host: &Host) -> Result<Program, BackendError> {
    QUERY.find_by(host, "version")
}

/// Starts a server and waits until it answers.
pub(super) async fn start(
    program: &Program,
    workspace: &Workspace,
) -> Result<(Arc<dyn ManagedServer>, Endpoints), BackendError> {
    let mut attempt = 1;
    loop {
        let (server, endpoints) = launch(program, workspace)?;
        let ready = wait_until_ready(&server, POLL_INTERVAL, || probe(endpoints.clone())).await;
        match ready {
            Ok(_) => return Ok((Arc::new(server), endpoints)),
            Err(_) if server.failed_to_bind() && attempt < MAX_ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

fn launch(program: &Program, workspace: &Workspace) -> Result<(Server, Endpoints), BackendError> {
    let mut command = workspace.command(&program.path);
    let mut ports = Vec::new();
    for variable in [OTLP, QUERIES].into_iter().chain(OTHERS) {
        let port = workspace.port(&JAEGER)?;
        command.env(variable, address(&port).to_string());
        ports.push(port);
    }
    command.env("SPAN_STORAGE_TYPE", "memory");
    let endpoints = Endpoints {
        otlp: address(&ports[0]),
        query: format!("http://{}", address(&ports[1])),
    };
    let log = workspace.folder.join("log");
    let server = Server::start(&JAEGER, command, &log, &workspace.watchdog)?;
    Ok((server.with_ports(ports), endpoints))
}

fn address(port: &Port) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port.number()).into()
}
