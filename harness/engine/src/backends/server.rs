//! A server that the suite started: its process, its log, its readiness and its end.

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
use crate::sandbox::host::Host;
use crate::sandbox::ports::{Port, Ports};
use crate::sandbox::resources::{self, with_room};
use crate::sandbox::watchdog::{self, Watchdog};

/// How long a server may take to answer first, on a machine that is busy with something else.
const START_LIMIT: Duration = Duration::from_mins(1);

/// How long a server may take to end by itself before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// How long a server takes to end once it refuses connections.
const DYING: Duration = Duration::from_millis(500);

/// How much of a log's end is shown.
pub(super) const TAIL: usize = 2048;

/// A server that the suite started, whatever it runs in.
#[async_trait]
pub(super) trait OwnServer: Send + Sync {
    /// Its process, if it is one that a scenario may kill or freeze.
    fn pid(&self) -> Option<u32>;

    /// Its end as an error, if it has ended, with the end of its log.
    async fn end(&self) -> Option<BackendError>;

    /// The same, for a caller without an answer: a server that is ending refuses connections
    /// before it has ended.
    async fn end_soon(&self) -> Option<BackendError>;

    /// An error about this server, with the end of its log.
    fn broken(&self, cause: String) -> BackendError;

    /// Ends it without ado; nothing of it is needed any more.
    async fn stop(&self);
}

/// Asks until the server answers, with a pause between two questions; what `probe` says is why it does
/// not yet.
pub(super) async fn ready<T, Asked>(
    server: &impl OwnServer,
    between: Duration,
    mut probe: impl FnMut() -> Asked,
) -> Result<T, BackendError>
where
    Asked: Future<Output = Result<T, String>>,
{
    let begun = Instant::now();
    loop {
        if let Some(end) = server.end().await {
            return Err(end);
        }
        let left = START_LIMIT.saturating_sub(begun.elapsed());
        let why = match tokio::time::timeout(left, probe()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(why)) => why,
            Err(_) => "no answer".to_owned(),
        };
        if begun.elapsed() >= START_LIMIT {
            let limit = START_LIMIT.as_secs();
            return Err(server.broken(format!("not ready within {limit} s: {why}")));
        }
        pause(between).await;
    }
}

/// A running server, in a process group of its own. Dropping it kills the group.
#[derive(Debug)]
pub(super) struct Server {
    backend: &'static Description,
    pid: u32,
    child: Mutex<Child>,
    log: PathBuf,
    watchdog: Watchdog,
}

impl Server {
    /// Starts `command` with its output in `log`.
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
            resources::note(&error);
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
        // Only a child that was already waited for has no id.
        let pid = child
            .id()
            .ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
        watchdog.group(pid);
        Ok(Self {
            backend,
            pid,
            child: Mutex::new(child),
            log: log.to_owned(),
            watchdog: watchdog.clone(),
        })
    }

    /// How it ended, if it has.
    pub(super) fn exit(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.try_wait().ok().flatten()
    }

    /// Waits for a program that ends by itself.
    pub(super) async fn finished(&self) -> Result<ExitStatus, BackendError> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.exit() {
                self.watchdog.group_gone(self.pid);
                return Ok(status);
            }
            if begun.elapsed() >= START_LIMIT {
                let limit = START_LIMIT.as_secs();
                return Err(self.broken(format!("not finished within {limit} s")));
            }
            pause(Duration::from_millis(2)).await;
        }
    }

    /// Whether it ended because another program has its port.
    pub(super) fn lost_its_port(&self) -> bool {
        self.exit().is_some() && tail(&self.log).contains("Address already in use")
    }

    /// Sends `signal`, waits until the server has ended, and kills it if it does not.
    pub(super) async fn stop_by(&self, signal: Signal) {
        let begun = Instant::now();
        if self.exit().is_none() {
            // It may end by itself in this moment.
            let _ = kill(pid(self.pid), signal);
        }
        while self.exit().is_none() && begun.elapsed() < STOP_LIMIT {
            pause(Duration::from_millis(2)).await;
        }
        self.end_group();
        while self.exit().is_none() {
            pause(Duration::from_millis(2)).await;
        }
        self.watchdog.group_gone(self.pid);
    }

    fn end_group(&self) {
        let group = pid(self.pid);
        // ESRCH: no process is left in it, as it should be.
        if killpg(group, Signal::SIGSTOP).is_ok() {
            watchdog::release(group.as_raw());
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

#[async_trait]
impl OwnServer for Server {
    fn pid(&self) -> Option<u32> {
        Some(self.pid)
    }

    async fn end(&self) -> Option<BackendError> {
        let status = self.exit()?;
        Some(self.broken(format!("its server has ended ({status})")))
    }

    async fn end_soon(&self) -> Option<BackendError> {
        let begun = Instant::now();
        loop {
            let end = self.end().await;
            if end.is_some() || begun.elapsed() >= DYING {
                return end;
            }
            pause(Duration::from_millis(5)).await;
        }
    }

    fn broken(&self, cause: String) -> BackendError {
        let folder = self.log.parent().unwrap_or(&self.log);
        let cause = with_room(cause, folder);
        let mut advice = "start the run again; if it stays so, try the server by hand".to_owned();
        let tail = tail(&self.log);
        if !tail.is_empty() {
            advice = format!("{advice}; its log ends with:\n{tail}");
        }
        BackendError::broken(self.backend, cause, advice)
    }

    async fn stop(&self) {
        self.stop_by(Signal::SIGKILL).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.exit().is_none() {
            self.end_group();
            // The runtime reaps it (`kill_on_drop`).
            self.watchdog.group_gone(self.pid);
        }
    }
}

fn pid(pid: u32) -> Pid {
    // The kernel's ids are far below i32::MAX; -1 would mean every process, 0 the own group.
    Pid::from_raw(i32::try_from(pid).unwrap_or(i32::MAX))
}

/// The end of a log file, without control characters, so that it can be shown on a terminal.
fn tail(log: &Path) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL as u64)))?;
        let mut bytes = Vec::new();
        file.take(TAIL as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    printable(&String::from_utf8_lossy(&read().unwrap_or_default()))
}

/// Untrusted text, fit for a message: no control characters but line ends.
pub(super) fn printable(text: &str) -> String {
    let shown = |it: &char| *it == '\n' || !it.is_control();
    text.trim().chars().filter(shown).collect()
}

/// Between two looks at something that cannot be awaited.
#[expect(
    clippy::disallowed_methods,
    reason = "the pause of a loop with a limit; no step comes here"
)]
pub(super) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Between two questions to a process that is starting.
pub(super) const PAUSE: Duration = Duration::from_millis(3);

/// A password that cannot be guessed.
pub(super) fn random_password() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Where and among what the servers of one backend are started.
#[derive(Clone)]
pub(super) struct Workspace {
    /// For the servers' files alone.
    pub(super) folder: PathBuf,
    /// The folder of the whole run.
    pub(super) run_folder: PathBuf,
    /// The caller's variables.
    pub(super) host: Arc<Host>,
    /// Where a server listens.
    pub(super) ports: Ports,
    /// Who kills it if the suite cannot.
    pub(super) watchdog: Watchdog,
}

impl Workspace {
    /// The one of a backend, in a folder of its own.
    pub(super) fn of(
        backend: &'static Description,
        sandbox: &Sandbox,
    ) -> Result<Self, BackendError> {
        let folder = sandbox.folder.sub(backend.name).map_err(|error| {
            BackendError::broken(backend, error.to_string(), "see what fills the disk")
        })?;
        Ok(Self {
            folder,
            run_folder: sandbox.folder.path().to_owned(),
            host: sandbox.host.clone(),
            ports: sandbox.ports.clone(),
            watchdog: sandbox.watchdog.clone(),
        })
    }

    /// A command in this place; nothing of the caller's settings leaks into it.
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
            // By this the watchdog finds what belongs to the run.
            .env("TMPDIR", &self.run_folder);
        command
    }

    /// A port for a server of `backend`.
    pub(super) fn port(&self, backend: &'static Description) -> Result<Port, BackendError> {
        let failed = |error| {
            let advice = "end programs that hold many ports";
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
    fn a_log_is_shown_without_what_a_terminal_would_obey() {
        assert_eq!(printable("one\u{1b}[31m\r\ntwo\u{0}\n"), "one[31m\ntwo");
    }

    #[test]
    fn only_the_end_of_a_long_log_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{}\nthe end\n", "x".repeat(10_000))).unwrap();
        let tail = tail(file.path());
        assert!(tail.ends_with("the end"), "{tail}");
        assert!(tail.len() <= TAIL);
    }
}
