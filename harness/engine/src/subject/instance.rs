//! One running process of the implementation, and its process group.

use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::signal::unix::SignalKind;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use super::launch::{Launch, StartCause, StartError};
use super::output::{Output, Stream};
use crate::sandbox::processes::{self, Process};
use crate::sandbox::watchdog::{self, Watchdog};

/// How long output is read after the process and its group have ended. The pipe may still contain output, but a
/// grandchild that left the group may keep the pipe open indefinitely.
const OUTPUT_GRACE_PERIOD: Duration = Duration::from_millis(500);

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The exit status; `None` if a signal ended the process.
    pub code: Option<i32>,
    /// The signal that ended the process, if one did.
    pub signal: Option<i32>,
    /// Time from start to end.
    pub after: Duration,
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "exit status {code}")?,
            (None, Some(signal)) => write!(f, "killed by signal {signal}")?,
            (None, None) => write!(f, "ended in an unknown way")?,
        }
        write!(f, " after {:.1} s", self.after.as_secs_f64())
    }
}

/// A started process. Dropping it kills its process group.
#[derive(Debug)]
pub struct Instance {
    pid: Pid,
    output: Output,
    exit: watch::Receiver<Option<Exit>>,
    state: Arc<ExitState>,
}

/// State that the reaper sets when the process ends, before all output was read.
#[derive(Debug, Default)]
struct ExitState {
    /// The process was waited for: its id may be reused by another process.
    reaped: AtomicBool,
    /// Processor time of the process and of the children that it waited for, when it ended.
    cpu: OnceLock<Duration>,
}

impl Instance {
    /// Starts the program in a new process group, with captured output and empty input.
    ///
    /// Must be called within a Tokio runtime, whose tasks read the output and wait for the process.
    pub fn start(launch: &Launch, watchdog: &Watchdog) -> Result<Self, StartError> {
        let started = Instant::now();
        let mut child = Command::new(&launch.program)
            .args(&launch.args)
            .current_dir(&launch.dir)
            .env_clear()
            .envs(&launch.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| StartError::new(launch, error))?;
        let id = child
            .id()
            .expect("a child has an id until it was waited for");
        watchdog.register_group(id);
        let pid = Pid::from_raw(i32::try_from(id).expect("process ids are i32"));
        let output = Output::default();
        let stop_reading = CancellationToken::new();
        let mut readers = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            readers.push(tokio::spawn(output.clone().read(
                Stream::Stdout,
                stdout,
                stop_reading.clone(),
            )));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.push(tokio::spawn(output.clone().read(
                Stream::Stderr,
                stderr,
                stop_reading.clone(),
            )));
        }
        let state = Arc::<ExitState>::default();
        let (exit_sender, exit) = watch::channel(None);
        let reaper = Reaper {
            child,
            pid,
            started,
            readers,
            stop_reading,
            state: state.clone(),
            watchdog: watchdog.clone(),
        };
        tokio::spawn(async move { exit_sender.send(Some(reaper.run().await)) });
        Ok(Self {
            pid,
            output,
            exit,
            state,
        })
    }

    /// The id of the process and of its group.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// The captured output.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Sends a signal to the process only, not to its group, as an orchestrator does. No effect after its end.
    pub fn signal(&self, signal: Signal) {
        if !self.state.reaped.load(Ordering::Acquire) {
            // No effect on a zombie.
            let _ = kill(self.pid, signal);
        }
    }

    /// How the process ended; `None` while it is running.
    pub fn exit(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Waits until the process has ended and all of its output is in [`Self::output`].
    pub async fn wait_for_exit(&self) -> Exit {
        let mut exit = self.exit.clone();
        let ended = exit.wait_for(Option::is_some).await;
        // The sender is gone only if the runtime is shutting down.
        ended.ok().and_then(|exit| *exit).unwrap_or(Exit {
            code: None,
            signal: None,
            after: Duration::ZERO,
        })
    }

    /// Kills the process group, and waits for the end of the process.
    pub async fn kill(&self) {
        self.kill_group();
        self.wait_for_exit().await;
    }

    fn kill_group(&self) {
        if !self.state.reaped.load(Ordering::Acquire) {
            // ESRCH means that all processes of the group have just ended.
            let _ = killpg(self.pid, Signal::SIGKILL);
        }
    }

    /// Resident memory of the process group in bytes; `None` once the process has ended.
    pub fn memory(&self) -> Option<u64> {
        if self.state.reaped.load(Ordering::Acquire) {
            return None;
        }
        let group = processes::group_members(self.pid.as_raw());
        group
            .iter()
            .filter_map(|process| processes::resident_memory(process.pid))
            .reduce(|sum, bytes| sum + bytes)
    }

    /// Processor time that the process group has used. After the process has ended, the time of the process and of
    /// the children that it waited for.
    pub fn cpu(&self) -> Duration {
        let ended = self.state.cpu.get().copied();
        ended.unwrap_or_else(|| group_cpu(self.pid))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// Processor time of all processes of a group.
fn group_cpu(group: Pid) -> Duration {
    processes::group_members(group.as_raw())
        .iter()
        .map(|process| process.cpu)
        .sum()
}

/// Waits for the end of one process and collects its exit status.
struct Reaper {
    child: Child,
    pid: Pid,
    started: Instant,
    readers: Vec<JoinHandle<()>>,
    /// Stops the readers.
    stop_reading: CancellationToken,
    state: Arc<ExitState>,
    watchdog: Watchdog,
}

impl Reaper {
    async fn run(mut self) -> Exit {
        wait_for_end(self.pid).await;
        let after = self.started.elapsed();
        // Until the process is waited for, its id cannot be reused.
        let own = Process::read(self.pid.as_raw()).map(|process| process.cpu);
        let _ = self.state.cpu.set(own.unwrap_or_default());
        // Remaining processes of the group must not outlive the main process.
        let _ = killpg(self.pid, Signal::SIGKILL);
        self.state.reaped.store(true, Ordering::Release);
        let status = self.child.wait().await.ok();
        self.watchdog
            .unregister_group(self.pid.as_raw().unsigned_abs());
        watchdog::reap_orphans();
        self.read_remaining_output().await;
        Exit {
            code: status.and_then(|status| ExitStatus::code(&status)),
            signal: status
                .and_then(|status| std::os::unix::process::ExitStatusExt::signal(&status)),
            after,
        }
    }

    /// Waits until the output has been read, at most for the grace period.
    async fn read_remaining_output(self) {
        let mut all = std::pin::pin!(futures::future::join_all(self.readers));
        if tokio::time::timeout(OUTPUT_GRACE_PERIOD, &mut all)
            .await
            .is_err()
        {
            self.stop_reading.cancel();
            all.await;
        }
    }
}

/// Waits for a process to end without collecting its exit status, so that its id is not reused.
async fn wait_for_end(pid: Pid) {
    let Ok(mut children) = tokio::signal::unix::signal(SignalKind::child()) else {
        return;
    };
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    while let Ok(WaitStatus::StillAlive) = waitid(Id::Pid(pid), flags) {
        if children.recv().await.is_none() {
            return;
        }
    }
}
