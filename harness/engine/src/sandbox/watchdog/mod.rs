//! Whatever ends the run, nothing is left: a second process that holds a pipe to the first.
//!
//! The harness writes a record of everything it makes to the watchdog's standard input. When the pipe
//! closes, because the run is over or because the harness was killed, the watchdog ends the process
//! groups with all their descendants, every process that was started with its temporary files in the run's
//! folder, and every one that the harness adopted (a grandchild may have left its group and outlived its
//! parent), and removes folders and files.
//!
//! - `lock`: a file that one run has, and that goes with it
//! - `memory`: shared memory that would outlive the processes
//! - `containers`: those that would outlive the run
//! - `adopted`: processes that lost their parent
//! - `sweep`: which processes are the run's, and their end
//! - `ledger`: what the harness has recorded, and its removal
//! - [`clean`](clean()): what is left all the same, later

mod adopted;
mod clean;
mod containers;
mod ledger;
mod lock;
mod memory;
mod sweep;

use std::io::{self, BufRead as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::signal::SigSet;
use nix::unistd::{getpid, getppid, setsid};

use self::adopted::Lookout;
pub(crate) use self::adopted::reap;
use self::clean::ALIVE;
pub use self::clean::{Cleaned, clean};
pub(crate) use self::containers::{FOLDER_LABEL, MACHINE_LABEL, RUN_LABEL, machine};
use self::ledger::{END, Ledger};
use self::lock::Lock;
pub(crate) use self::memory::release;
use crate::sandbox::folder::RunFolder;

/// What the watchdog says when nothing can interrupt it any more.
const READY: &str = "ready";

/// The harness's end of the pipe; clones share it. When the last is dropped, the watchdog sweeps.
#[derive(Clone, Debug)]
pub struct Watchdog {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Gone once the run is over.
    child: Option<Child>,
    /// Held by the harness, so that they end with it; removed when the run is over.
    locks: Vec<Lock>,
}

impl Watchdog {
    /// Starts the watchdog of the run whose folder this is: this program, with the argument `watchdog`.
    ///
    /// Makes the folder, and returns when no signal can leave it without a watchdog.
    pub fn start(folder: &RunFolder) -> io::Result<Self> {
        let adopts = adopted::adopt();
        let child = start_process().map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot start the run's watchdog: {error}"),
            )
        })?;
        let watchdog = Self::with(Some(child));
        if adopts {
            watchdog.record("harness", std::process::id().to_string().as_bytes());
        }
        // Recorded before it exists: the run may be killed in between.
        watchdog.folder(folder.path());
        folder.make()?;
        watchdog.mark(folder.path())?;
        Ok(watchdog)
    }

    fn with(child: Option<Child>) -> Self {
        let locks = Vec::new();
        Self {
            inner: Arc::new(Mutex::new(Inner { child, locks })),
        }
    }

    /// No process: for tests of what only records things. Locks are removed when it is dropped.
    #[cfg(test)]
    pub(crate) fn absent() -> Self {
        Self::with(None)
    }

    /// A process group that must not outlive the run.
    pub fn group(&self, pid: u32) {
        self.record("group", pid.to_string().as_bytes());
    }

    /// A process group that has ended; its number may now belong to another process.
    pub fn group_gone(&self, pid: u32) {
        self.record("gone", pid.to_string().as_bytes());
    }

    /// A folder to remove, to be recorded before it is made. Processes whose `TMPDIR` is in it are ended.
    pub fn folder(&self, path: &Path) {
        self.record("folder", path.as_os_str().as_bytes());
    }

    /// A folder to keep after all; processes whose `TMPDIR` is in it are ended all the same.
    pub fn keep(&self, path: &Path) {
        self.record("keep", path.as_os_str().as_bytes());
    }

    /// A file to remove, to be recorded before it is made.
    pub fn file(&self, path: &Path) {
        self.record("file", path.as_os_str().as_bytes());
    }

    /// A container to remove, to be recorded before it is made.
    pub fn container(&self, name: &str) {
        self.record("container", name.as_bytes());
    }

    /// A container that was removed.
    pub fn container_gone(&self, name: &str) {
        self.record("container-gone", name.as_bytes());
    }

    /// Makes the file and locks it for as long as the run lives; `false` when another run has it.
    pub fn lock(&self, path: &Path) -> io::Result<bool> {
        // Recorded before it exists: the run may be killed in between. A lock of another run is not removed.
        self.record("lock", path.as_os_str().as_bytes());
        let Some(lock) = Lock::make(path)? else {
            return Ok(false);
        };
        self.inner().locks.push(lock);
        Ok(true)
    }

    /// Shows others that the run of this folder lives: by a file in it that is locked as long.
    pub(crate) fn mark(&self, folder: &Path) -> io::Result<()> {
        let lock = Lock::make_locked(&folder.join(ALIVE))?;
        self.inner().locks.push(lock);
        Ok(())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, verb: &str, object: &[u8]) {
        let record = [verb.as_bytes(), b" ", object, &[END]].concat();
        let mut inner = self.inner();
        if let Some(stdin) = inner.child.as_mut().and_then(|it| it.stdin.as_mut()) {
            // A watchdog that was killed takes no record; the run goes on without it.
            let _ = stdin.write_all(&record);
        }
    }

    /// Closes the pipe and waits until the watchdog has swept. Everything else is over by then.
    pub async fn finish(&self) {
        let child = self.inner().child.take();
        if let Some(mut child) = child {
            drop(child.stdin.take());
            // It fails only if the child's status was taken elsewhere: then it has ended as well.
            let _ = tokio::task::spawn_blocking(move || child.wait()).await;
        }
        self.inner().locks.clear();
    }
}

fn start_process() -> io::Result<Child> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("watchdog")
        // It outlives the run and must not hold the folder that the run was started in.
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()?;
    let mut said = String::new();
    if let Some(stdout) = child.stdout.take() {
        io::BufReader::new(stdout).read_line(&mut said)?;
    }
    if said.trim_end() == READY {
        return Ok(child);
    }
    // Already ended, or another program altogether.
    let _ = child.kill();
    let status = child.wait()?;
    Err(io::Error::other(format!(
        "it said {said:?} and ended ({status}); start the run again"
    )))
}

/// The body of the hidden command `watchdog`: listens until the pipe closes, then sweeps.
///
/// Must be called while the process has one thread, which further ones take after, for no signal but SIGKILL may end it.
pub fn watchdog_main() -> ExitCode {
    // A session of its own: a ctrl-C on the terminal is for the harness.
    let _ = setsid();
    let _ = SigSet::all().thread_block();
    let excluded = [getpid().as_raw(), getppid().as_raw()];
    let lookout = Lookout::start(getppid().as_raw());
    // A harness that does not read is dead: then the pipe is closed as well.
    let _ = writeln!(io::stdout(), "{READY}");
    let mut ledger = Ledger::read(io::stdin().lock());
    ledger.adopted.seen = lookout.end();
    let left = ledger.sweep(&excluded);
    for what in &left {
        let _ = writeln!(io::stderr(), "conformance: left behind by the run: {what}");
    }
    if left.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
