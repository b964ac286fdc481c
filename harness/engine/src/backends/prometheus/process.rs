//! A Prometheus server as a process of this machine.

use std::sync::Arc;

use super::server::{Api, MIN_VERSION, PROMETHEUS, StartedBackend, broken, config};
use super::targets::Targets;
use crate::backends::programs::{Program, ProgramQuery};
use crate::backends::provider::{BackendError, BackendInfo, ProviderKind};
use crate::backends::server::{POLL_INTERVAL, Server, Workspace, wait_until_ready};
use crate::sandbox::host::Host;

const QUERY: ProgramQuery = ProgramQuery {
    backend: &PROMETHEUS,
    names: &["prometheus"],
    version_prefix: "version ",
    min_version: MIN_VERSION,
    companions: &[],
};

/// How often a server is started, each time on another port, if another program takes the port first.
const MAX_ATTEMPTS: usize = 3;

/// Finds the server program.
pub(super) fn find_program(host: &Host) -> Result<Program, BackendError> {
    QUERY.find(host)
}

/// Starts the server.
pub(super) async fn start(
    program: Program,
    workspace: Workspace,
) -> Result<StartedBackend, BackendError> {
    let targets = workspace.folder.join("targets");
    let config_file = workspace.folder.join("prometheus.yml");
    std::fs::create_dir(&targets)
        .and_then(|()| std::fs::write(&config_file, config(&targets.to_string_lossy())))
        .map_err(|error| broken(error.to_string(), "check the free disk space"))?;
    let mut attempt = 1;
    loop {
        let port = workspace.port(&PROMETHEUS)?;
        let address = format!("127.0.0.1:{}", port.number());
        let mut command = workspace.command(&program.path);
        command
            .arg("--config.file=prometheus.yml")
            .arg(format!("--storage.tsdb.path=data-{attempt}"))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=warn");
        let log = workspace.folder.join("log");
        let server = Server::start(&PROMETHEUS, command, &log, &workspace.watchdog)?;
        let api = Api::new(&format!("http://{address}"));
        let api = api.map_err(|cause| broken(cause, "this is a bug of the suite"))?;
        match wait_until_ready(&server, POLL_INTERVAL, || api.version()).await {
            Ok(version) => {
                let started = StartedBackend {
                    info: BackendInfo {
                        provider: ProviderKind::Process,
                        version,
                    },
                    api,
                    targets: Targets::new(&targets, None),
                    server: Some(Arc::new(server.with_ports([port]))),
                };
                return Ok(started);
            }
            Err(_) if server.failed_to_bind() && attempt < MAX_ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}
