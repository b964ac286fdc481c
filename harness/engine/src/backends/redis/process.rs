//! Redis servers as processes of this machine.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::lease::{Endpoint, MIN_VERSION, REDIS, StartedBackend};
use super::pool::{self, Launcher, RunningServer, probe};
use crate::backends::programs::{Program, ProgramQuery};
use crate::backends::provider::{BackendError, ProviderKind};
use crate::backends::server::{
    POLL_INTERVAL, Server, Workspace, random_password, wait_until_ready,
};
use crate::sandbox::host::Host;
use crate::sandbox::ports::Port;

const QUERY: ProgramQuery = ProgramQuery {
    backend: &REDIS,
    names: &["redis-server", "valkey-server"],
    version_prefix: " v=",
    min_version: MIN_VERSION,
    companions: &[],
};

/// How often a server is started, each time on another port, if another program takes the port first.
const MAX_ATTEMPTS: usize = 3;

/// Finds the server program.
pub(super) fn find_program(host: &Host) -> Result<Program, BackendError> {
    QUERY.find(host)
}

/// Starts the pool and its first server.
pub(super) async fn start(
    program: Program,
    workspace: Workspace,
) -> Result<StartedBackend, BackendError> {
    pool::start(ProcessLauncher { program, workspace }).await
}

struct ProcessLauncher {
    program: Program,
    workspace: Workspace,
}

#[async_trait]
impl Launcher for ProcessLauncher {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Process
    }

    /// Unlimited: a process is cheap.
    fn max_leases(&self) -> usize {
        usize::MAX
    }

    async fn launch(&self, number: u64) -> Result<RunningServer, BackendError> {
        let folder = self.workspace.folder.join(number.to_string());
        let password = random_password();
        let settings = write_config(&folder, &password).map_err(|error| {
            let cause = format!("{} cannot be prepared: {error}", folder.display());
            BackendError::broken(
                &REDIS,
                cause,
                "set TMPDIR to a folder with enough free space",
            )
        })?;
        let mut attempt = 1;
        loop {
            let port = self.workspace.port(&REDIS)?;
            let command = self.command(&folder, &settings, &port);
            let log = folder.join("log");
            let server = Server::start(&REDIS, command, &log, &self.workspace.watchdog)?;
            let endpoint = Endpoint {
                address: ([127, 0, 0, 1], port.number()).into(),
                user: None,
                password: Some(password.clone()),
                database: 0,
            };
            match wait_until_ready(&server, POLL_INTERVAL, || probe(endpoint.clone())).await {
                Ok(settings) => {
                    return Ok(RunningServer {
                        server: Box::new(server.with_ports([port])),
                        endpoint,
                        settings,
                    });
                }
                Err(_) if server.failed_to_bind() && attempt < MAX_ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl ProcessLauncher {
    fn command(&self, folder: &Path, settings: &Path, port: &Port) -> std::process::Command {
        let mut command = self.workspace.command(&self.program.path);
        command
            .arg(settings)
            .args(["--port", &port.number().to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .args([Path::new("--dir"), folder]);
        if self.program.major() >= 7 {
            // Setting a process title overwrites the environment, by which the watchdog recognizes processes.
            command.args(["--set-proc-title", "no"]);
        }
        command
    }
}

/// Creates the server's folder and a config file with the password: arguments are visible to all users.
fn write_config(folder: &Path, password: &str) -> std::io::Result<PathBuf> {
    std::fs::create_dir(folder)?;
    let path = folder.join("redis.conf");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    writeln!(file, "requirepass {password}")?;
    Ok(path)
}
