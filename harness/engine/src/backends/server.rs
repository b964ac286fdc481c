//! A server process that the suite starts.

use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use super::provider::{BackendError, Description};
use crate::sandbox::Sandbox;
use crate::sandbox::exhaustion::{self, with_free_space};
use crate::sandbox::host::Host;
use crate::sandbox::ports::{Port, Ports};
use crate::sandbox::watchdog::{self, Watchdog};

/// How long a server may take until its first answer; generous for a busy machine.
const START_LIMIT: Duration = Duration::from_mins(1);

/// How long a server may take to shut down before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// How long a server may take to exit after it refuses connections.
const EXIT_DELAY: Duration = Duration::from_millis(500);

/// How many bytes of a log's end are shown in errors.
pub(super) const MAX_LOG_TAIL: usize = 2048;

/// A server that the suite started, as a process or in a container.
#[async_trait]
pub(super) trait ManagedServer: Send + Sync {
    /// The process id, if scenarios may kill or freeze the server.
    fn pid(&self) -> Option<u32>;

    /// An error with the end of the log if the server has exited; `None` if it is running.
    async fn exit_error(&self) -> Option<BackendError>;

    /// Like [`Self::exit_error`], but waits a moment for the exit: a server that is shutting down refuses
    /// connections before its process has exited. For callers whose request failed.
    async fn exit_error_after_failure(&self) -> Option<BackendError>;

    /// An error about this server with the given cause and the end of the log.
    fn broken(&self, cause: String) -> BackendError;

    /// Kills the server; its data is not needed any more.
    async fn stop(&self);
}

/// Polls `probe` until it succeeds, the server exits, or the time limit is reached. The probe's error
/// describes why the server is not ready.
pub(super) async fn wait_until_ready<T, Probe>(
    server: &impl ManagedServer,
    poll_interval: Duration,
    mut probe: impl FnMut() -> Probe,
) -> Result<T, BackendError>
where
    Probe: Future<Output = Result<T, String>>,
{
    let started = Instant::now();
    loop {
        if let Some(error) = server.exit_error().await {
            return Err(error);
        }
        let left = START_LIMIT.saturating_sub(started.elapsed());
        let why = match tokio::time::timeout(left, probe()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(why)) => why,
            Err(_) => "no answer".to_owned(),
        };
        if started.elapsed() >= START_LIMIT {
            let limit = START_LIMIT.as_secs();
            return Err(server.broken(format!("not ready within {limit} s: {why}")));
        }
        pause(poll_interval).await;
    }
}

/// A running server in a separate process group. Dropping it kills the group.
#[derive(Debug)]
pub(super) struct Server {
    backend: &'static Description,
    pid: u32,
    child: Mutex<Child>,
    log: PathBuf,
    watchdog: Watchdog,
    /// Keeps the ports allocated as long as the server may listen on them.
    ports: Vec<Port>,
}

impl Server {
    /// The same server, which keeps these ports allocated.
    pub(super) fn with_ports(mut self, ports: impl IntoIterator<Item = Port>) -> Self {
        self.ports.extend(ports);
        self
    }

    /// Starts `command`, whose output is appended to the file `log`.
    pub(super) fn start(
        backend: &'static Description,
        command: std::process::Command,
        log: &Path,
        watchdog: &Watchdog,
    ) -> Result<Self, BackendError> {
        let program = command.get_program().to_owned();
        let folder = command
            .get_current_dir()
            .unwrap_or(Path::new("/"))
            .to_owned();
        let failed = |error: std::io::Error| {
            exhaustion::record(&error);
            let cause = format!(
                "{} cannot be started in {}: {error}",
                program.display(),
                folder.display()
            );
            BackendError::broken(backend, cause, "start it by hand in that folder")
        };
        let out = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(log)
            .map_err(failed)?;
        let mut command = Command::from(command);
        command
            .stdin(Stdio::null())
            .stdout(out.try_clone().map_err(failed)?)
            .stderr(out)
            .process_group(0)
            .kill_on_drop(true);
        let child = command.spawn().map_err(failed)?;
        // A child has an id until it was waited for.
        let pid = child
            .id()
            .ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
        watchdog.register_group(pid);
        Ok(Self {
            backend,
            pid,
            child: Mutex::new(child),
            log: log.to_owned(),
            watchdog: watchdog.clone(),
            ports: Vec::new(),
        })
    }

    /// The exit status; `None` while the process is running.
    pub(super) fn exit_status(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.try_wait().ok().flatten()
    }

    /// Waits for the exit of a program that ends by itself, such as `initdb`.
    pub(super) async fn wait_until_exit(&self) -> Result<ExitStatus, BackendError> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.exit_status() {
                self.watchdog.unregister_group(self.pid);
                return Ok(status);
            }
            if started.elapsed() >= START_LIMIT {
                let limit = START_LIMIT.as_secs();
                return Err(self.broken(format!("not finished within {limit} s")));
            }
            pause(Duration::from_millis(2)).await;
        }
    }

    /// Whether the server exited because another program has its port.
    pub(super) fn failed_to_bind(&self) -> bool {
        let tail = read_tail(&self.log).to_lowercase();
        self.exit_status().is_some() && tail.contains("address already in use")
    }

    /// Sends `signal` and waits for the exit; kills the server if it takes too long.
    pub(super) async fn stop_with(&self, signal: Signal) {
        let started = Instant::now();
        if self.exit_status().is_none() {
            // It fails if the process has just ended.
            let _ = kill(to_pid(self.pid), signal);
        }
        while self.exit_status().is_none() && started.elapsed() < STOP_LIMIT {
            pause(Duration::from_millis(2)).await;
        }
        self.kill_group();
        while self.exit_status().is_none() {
            pause(Duration::from_millis(2)).await;
        }
        self.watchdog.unregister_group(self.pid);
    }

    fn kill_group(&self) {
        let group = to_pid(self.pid);
        // ESRCH means that no process is left in the group.
        if killpg(group, Signal::SIGSTOP).is_ok() {
            watchdog::release_shared_memory(group.as_raw());
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

#[async_trait]
impl ManagedServer for Server {
    fn pid(&self) -> Option<u32> {
        Some(self.pid)
    }

    async fn exit_error(&self) -> Option<BackendError> {
        let status = self.exit_status()?;
        Some(self.broken(format!("its server has ended ({status})")))
    }

    async fn exit_error_after_failure(&self) -> Option<BackendError> {
        let started = Instant::now();
        loop {
            let error = self.exit_error().await;
            if error.is_some() || started.elapsed() >= EXIT_DELAY {
                return error;
            }
            pause(Duration::from_millis(5)).await;
        }
    }

    fn broken(&self, cause: String) -> BackendError {
        let folder = self.log.parent().unwrap_or(&self.log);
        let cause = with_free_space(cause, folder);
        let mut advice =
            "start the run again; if that does not help, start the server by hand".to_owned();
        let tail = read_tail(&self.log);
        if !tail.is_empty() {
            advice = format!("{advice}; its log ends with:\n{tail}");
        }
        BackendError::broken(self.backend, cause, advice)
    }

    async fn stop(&self) {
        self.stop_with(Signal::SIGKILL).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.exit_status().is_none() {
            self.kill_group();
            // The runtime reaps the process (`kill_on_drop`).
            self.watchdog.unregister_group(self.pid);
        }
    }
}

fn to_pid(id: u32) -> Pid {
    // Process ids are far below i32::MAX. To kill(2), -1 would mean all processes and 0 the caller's group.
    Pid::from_raw(i32::try_from(id).unwrap_or(i32::MAX))
}

/// The end of a log file, without control characters.
fn read_tail(log: &Path) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(MAX_LOG_TAIL as u64)))?;
        let mut bytes = Vec::new();
        file.take(MAX_LOG_TAIL as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    printable(&String::from_utf8_lossy(&read().unwrap_or_default()))
}

/// Untrusted text without control characters except line ends, so that it is safe on a terminal.
pub(super) fn printable(text: &str) -> String {
    let is_printable = |character: &char| *character == '\n' || !character.is_control();
    text.trim().chars().filter(is_printable).collect()
}

/// Pauses between two probes of something that cannot be awaited.
#[expect(
    clippy::disallowed_methods,
    reason = "the pause of a loop with a time limit; no step runs this"
)]
pub(super) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Pause between two probes of a server process that is starting.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(3);

/// A password that cannot be guessed.
pub(super) fn random_password() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Everything that starting the servers of one backend needs.
#[derive(Clone)]
pub(super) struct Workspace {
    /// The folder of the servers' files.
    pub(super) folder: PathBuf,
    /// The folder of the whole run.
    pub(super) run_folder: PathBuf,
    /// Variables and programs of this machine.
    pub(super) host: Arc<Host>,
    /// Allocates the servers' ports.
    pub(super) ports: Ports,
    /// Kills the servers if the suite is killed.
    pub(super) watchdog: Watchdog,
}

impl Workspace {
    /// Creates the workspace of a backend, with its folder.
    pub(super) fn create(
        backend: &'static Description,
        sandbox: &Sandbox,
    ) -> Result<Self, BackendError> {
        let folder = sandbox.folder.subfolder(backend.name).map_err(|error| {
            BackendError::broken(backend, error.to_string(), "check the free disk space")
        })?;
        Ok(Self {
            folder,
            run_folder: sandbox.folder.path().to_owned(),
            host: sandbox.host.clone(),
            ports: sandbox.ports.clone(),
            watchdog: sandbox.watchdog.clone(),
        })
    }

    /// A command in the workspace's folder, with a minimal environment.
    pub(super) fn command(&self, program: &Path) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        command.env_clear().current_dir(&self.folder);
        for name in ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"] {
            if let Some(value) = self.host.variable(name) {
                command.env(name, value);
            }
        }
        command
            .env("HOME", &self.folder)
            .env("LC_ALL", "C")
            // The watchdog recognizes processes of the run by this variable.
            .env("TMPDIR", &self.run_folder);
        command
    }

    /// Allocates a port for a server of `backend`.
    pub(super) fn port(&self, backend: &'static Description) -> Result<Port, BackendError> {
        let failed = |error| {
            let advice = "stop programs that listen on many ports";
            BackendError::broken(backend, format!("no port is free: {error}"), advice)
        };
        self.ports.take().map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_differ() {
        assert_ne!(random_password(), random_password());
        assert_eq!(random_password().len(), 32);
    }

    #[test]
    fn control_characters_are_removed_from_a_log() {
        assert_eq!(printable("one\u{1b}[31m\r\ntwo\u{0}\n"), "one[31m\ntwo");
    }

    #[test]
    fn only_the_end_of_a_long_log_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{}\nthe end\n", "x".repeat(10_000))).unwrap();
        let tail = read_tail(file.path());
        assert!(tail.ends_with("the end"), "{tail}");
        assert!(tail.len() <= MAX_LOG_TAIL);
    }
}
