//! A second process that cleans up however the run ends.
//!
//! The harness writes a record of every resource that it creates to the watchdog's standard input. When
//! this pipe closes, because the run is over or the harness was killed, the watchdog kills the registered
//! process groups with all descendants, every process whose `TMPDIR` is in the run's folder, and every orphan
//! that the harness adopted (a grandchild may have left its group and outlived its parent). Then it removes
//! folders, files and containers.
//!
//! - `lock`: a locked file that one run owns
//! - `memory`: shared memory that outlives its processes
//! - `containers`: lists and removes the containers of runs
//! - `orphans`: finds and reaps processes that the harness adopted
//! - `sweep`: finds and kills the processes of a run
//! - `resources`: the registered resources of a run, and their removal
//! - [`clean`](clean()): removes what earlier runs left behind

mod clean;
mod containers;
mod lock;
mod memory;
mod orphans;
mod resources;
mod sweep;

use std::io::{self, BufRead as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::signal::SigSet;
use nix::unistd::{getpid, getppid, setsid};

use self::clean::ALIVE;
pub use self::clean::{Cleaned, clean};
pub(crate) use self::containers::{FOLDER_LABEL, MACHINE_LABEL, RUN_LABEL, machine_name};
use self::lock::Lock;
pub(crate) use self::memory::release_shared_memory;
use self::orphans::ChildMonitor;
pub(crate) use self::orphans::reap_orphans;
use self::resources::{RECORD_END, RunResources};
use crate::sandbox::folder::RunFolder;

/// The line that the watchdog prints once it has blocked all signals.
const READY: &str = "ready";

/// The harness's end of the pipe to the watchdog. Clones share it; when the last is dropped, the watchdog cleans up.
#[derive(Clone, Debug)]
pub struct Watchdog {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The watchdog's process; `None` once the run is over.
    child: Option<Child>,
    /// Lock files of the run. The harness holds them, so that they are released if it is killed.
    locks: Vec<Lock>,
}

impl Watchdog {
    /// Starts the watchdog of a run, which is this program with the argument `watchdog`, and creates the run's folder.
    ///
    /// When this returns, no signal except SIGKILL can end the watchdog.
    pub fn start(folder: &RunFolder) -> io::Result<Self> {
        let is_subreaper = orphans::become_subreaper();
        let child = start_process().map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot start the run's watchdog: {error}"),
            )
        })?;
        let watchdog = Self::from_child(Some(child));
        if is_subreaper {
            watchdog.record("harness", std::process::id().to_string().as_bytes());
        }
        // Registered before it exists: the run may be killed in between.
        watchdog.register_folder(folder.path());
        folder.create()?;
        watchdog.mark_alive(folder.path())?;
        Ok(watchdog)
    }

    fn from_child(child: Option<Child>) -> Self {
        let locks = Vec::new();
        Self {
            inner: Arc::new(Mutex::new(Inner { child, locks })),
        }
    }

    /// A watchdog without a process, for tests: nothing is cleaned up except locks, when it is dropped.
    #[cfg(test)]
    pub(crate) fn without_process() -> Self {
        Self::from_child(None)
    }

    /// Registers a process group that must not outlive the run.
    pub fn register_group(&self, pid: u32) {
        self.record("group", pid.to_string().as_bytes());
    }

    /// Removes a process group that has ended: its id may be reused by another process.
    pub fn unregister_group(&self, pid: u32) {
        self.record("gone", pid.to_string().as_bytes());
    }

    /// Registers a folder to remove; call it before the folder is created. Processes with `TMPDIR` in it are killed.
    pub fn register_folder(&self, path: &Path) {
        self.record("folder", path.as_os_str().as_bytes());
    }

    /// Keeps a registered folder after the run; processes whose `TMPDIR` is in it are killed nevertheless.
    pub fn keep_folder(&self, path: &Path) {
        self.record("keep", path.as_os_str().as_bytes());
    }

    /// Registers a file to remove; call it before the file is created.
    pub fn register_file(&self, path: &Path) {
        self.record("file", path.as_os_str().as_bytes());
    }

    /// Registers a container to remove; call it before the container is created.
    pub fn register_container(&self, name: &str) {
        self.record("container", name.as_bytes());
    }

    /// Removes a container from the list: it no longer exists.
    pub fn unregister_container(&self, name: &str) {
        self.record("container-gone", name.as_bytes());
    }

    /// Creates a file and locks it until the run ends; `false` if another run holds the lock.
    pub fn lock_file(&self, path: &Path) -> io::Result<bool> {
        // Registered before it exists: the run may be killed in between. A lock of another run is not removed.
        self.record("lock", path.as_os_str().as_bytes());
        let Some(lock) = Lock::create(path)? else {
            return Ok(false);
        };
        self.inner().locks.push(lock);
        Ok(true)
    }

    /// Marks a folder as belonging to a running run: creates a file in it that is locked until the run ends.
    pub(crate) fn mark_alive(&self, folder: &Path) -> io::Result<()> {
        let lock = Lock::create_locked(&folder.join(ALIVE))?;
        self.inner().locks.push(lock);
        Ok(())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, verb: &str, object: &[u8]) {
        let record = [verb.as_bytes(), b" ", object, &[RECORD_END]].concat();
        let mut inner = self.inner();
        if let Some(stdin) = inner.child.as_mut().and_then(|child| child.stdin.as_mut()) {
            // It fails if the watchdog was killed; the run continues without it.
            let _ = stdin.write_all(&record);
        }
    }

    /// Closes the pipe and waits until the watchdog has cleaned up. Call it last, after everything else has ended.
    pub async fn finish(&self) {
        let child = self.inner().child.take();
        if let Some(mut child) = child {
            drop(child.stdin.take());
            // It fails only if the child's exit status was already collected: then it has ended.
            let _ = tokio::task::spawn_blocking(move || child.wait()).await;
        }
        self.inner().locks.clear();
    }
}

fn start_process() -> io::Result<Child> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("watchdog")
        // It outlives the run and must not keep the caller's working folder in use.
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()?;
    let mut first_line = String::new();
    if let Some(stdout) = child.stdout.take() {
        io::BufReader::new(stdout).read_line(&mut first_line)?;
    }
    if first_line.trim_end() == READY {
        return Ok(child);
    }
    // The child has ended, or is a different program.
    let _ = child.kill();
    let status = child.wait()?;
    Err(io::Error::other(format!(
        "it printed {first_line:?} and ended ({status}); start the run again"
    )))
}

/// The body of the hidden command `watchdog`: reads records until the pipe closes, then cleans up.
///
/// Must be called while the process has one thread: it blocks all signals, for threads that are started later as
/// well, so that only SIGKILL can end the process.
pub fn watchdog_main() -> ExitCode {
    // A separate session, so that ctrl-C on the terminal reaches only the harness.
    let _ = setsid();
    let _ = SigSet::all().thread_block();
    let excluded = [getpid().as_raw(), getppid().as_raw()];
    let monitor = ChildMonitor::start(getppid().as_raw());
    // It fails only if the harness is dead; then the pipe is closed as well.
    let _ = writeln!(io::stdout(), "{READY}");
    let mut resources = RunResources::read(io::stdin().lock());
    resources.harness_children.observed = monitor.stop();
    let left = resources.clean_up(&excluded);
    for resource in &left {
        let _ = writeln!(
            io::stderr(),
            "conformance: left behind by the run: {resource}"
        );
    }
    if left.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
