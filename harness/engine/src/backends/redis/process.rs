//! Redis servers from the program of this machine.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::lease::{Endpoint, LEAST, REDIS, Started};
use super::pool::{self, Launcher, Running, first_look};
use crate::backends::programs::{Program, Wanted};
use crate::backends::provider::{BackendError, ProviderKind};
use crate::backends::server::{OwnServer, PAUSE, Server, Workspace, random_password, ready};
use crate::sandbox::host::Host;
use crate::sandbox::ports::Port;

const WANTED: Wanted = Wanted {
    backend: &REDIS,
    names: &["redis-server", "valkey-server"],
    mark: " v=",
    least: LEAST,
    companions: &[],
};

/// Another program may take the port before the server does: then it is started again on another port.
const ATTEMPTS: usize = 3;

/// The program of the servers.
pub(super) fn find(host: &Host) -> Result<Program, BackendError> {
    WANTED.find(host)
}

/// Starts the first server, which waits for the first lease.
pub(super) async fn start(program: Program, place: Workspace) -> Result<Started, BackendError> {
    pool::start(Processes { program, place }).await
}

struct Processes {
    program: Program,
    place: Workspace,
}

#[async_trait]
impl Launcher for Processes {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Process
    }

    /// A process is cheap.
    fn most(&self) -> usize {
        usize::MAX
    }

    async fn launch(&self, number: u64) -> Result<Running, BackendError> {
        let folder = self.place.folder.join(number.to_string());
        let password = random_password();
        let settings = prepare(&folder, &password).map_err(|error| {
            let cause = format!("{} cannot be prepared: {error}", folder.display());
            BackendError::broken(&REDIS, cause, "set TMPDIR to a folder with room for it")
        })?;
        let mut attempt = 1;
        loop {
            let port = self.place.port(&REDIS)?;
            let command = self.command(&folder, &settings, &port);
            let log = folder.join("log");
            let server = Server::start(&REDIS, command, &log, &self.place.watchdog)?;
            let endpoint = Endpoint {
                address: ([127, 0, 0, 1], port.number()).into(),
                user: None,
                password: Some(password.clone()),
                database: 0,
            };
            match ready(&server, PAUSE, || first_look(endpoint.clone())).await {
                Ok(settings) => {
                    return Ok(Running {
                        server: Box::new(OnPort {
                            server,
                            _port: port,
                        }),
                        endpoint,
                        settings,
                    });
                }
                Err(_) if server.lost_its_port() && attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Processes {
    fn command(&self, folder: &Path, settings: &Path, port: &Port) -> std::process::Command {
        let mut command = self.place.command(&self.program.path);
        command
            .arg(settings)
            .args(["--port", &port.number().to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .args([Path::new("--dir"), folder]);
        if self.program.major() >= 7 {
            // A title would overwrite the environment, by which the watchdog finds the run's processes.
            command.args(["--set-proc-title", "no"]);
        }
        command
    }
}

/// A folder with the secret settings: arguments are visible to all users.
fn prepare(folder: &Path, password: &str) -> std::io::Result<PathBuf> {
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

/// A server with its port.
struct OnPort {
    server: Server,
    /// Taken as long as the server may listen there.
    _port: Port,
}

#[async_trait]
impl OwnServer for OnPort {
    fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    async fn end(&self) -> Option<BackendError> {
        self.server.end().await
    }

    async fn end_soon(&self) -> Option<BackendError> {
        self.server.end_soon().await
    }

    fn broken(&self, cause: String) -> BackendError {
        self.server.broken(cause)
    }

    async fn stop(&self) {
        self.server.stop().await;
    }
}
