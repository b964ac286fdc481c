//! One running process of the implementation, with its group.

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

/// How long output is read on after the process and its group have ended: what is in the pipe takes
/// a moment, and a grandchild that left the group may hold it open for ever.
const OUTPUT_GRACE: Duration = Duration::from_millis(500);

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its exit status, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Since its start.
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

/// A process that was started; dropping it kills its group.
#[derive(Debug)]
pub struct Instance {
    pid: Pid,
    output: Output,
    exit: watch::Receiver<Option<Exit>>,
    state: Arc<ExitState>,
}

/// State of a process that ends, before all of its output was read.
#[derive(Debug, Default)]
struct ExitState {
    /// From here on its number may belong to another process.
    reaped: AtomicBool,
    /// Processor time of its group when it ended.
    cpu: OnceLock<Duration>,
}

impl Instance {
    /// Starts the program in a process group of its own, its output captured, its input empty.
    ///
    /// Must be called within a runtime, which reads the output and waits for the end.
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
        let number = child
            .id()
            .expect("a child that was not waited for has its number");
        watchdog.group(number);
        let pid = Pid::from_raw(i32::try_from(number).expect("the kernel's numbers are i32"));
        let output = Output::default();
        let enough = CancellationToken::new();
        let mut readers = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            readers.push(tokio::spawn(output.clone().read(
                Stream::Stdout,
                stdout,
                enough.clone(),
            )));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.push(tokio::spawn(output.clone().read(
                Stream::Stderr,
                stderr,
                enough.clone(),
            )));
        }
        let state = Arc::<ExitState>::default();
        let (announce, exit) = watch::channel(None);
        let reaper = Reaper {
            child,
            pid,
            started,
            readers,
            enough,
            state: state.clone(),
            watchdog: watchdog.clone(),
        };
        tokio::spawn(async move { announce.send(Some(reaper.run().await)) });
        Ok(Self {
            pid,
            output,
            exit,
            state,
        })
    }

    /// The number of the process and of its group.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// What it wrote.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Sends a signal to the process itself, as an orchestrator does; no effect on one that has ended.
    pub fn signal(&self, signal: Signal) {
        if !self.state.reaped.load(Ordering::Acquire) {
            // A process that has ended, but was not asked how, takes it without effect.
            let _ = kill(self.pid, signal);
        }
    }

    /// How it ended, if it has.
    pub fn exit(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Waits for its end, and until all of its output is in [`Self::output`].
    pub async fn exited(&self) -> Exit {
        let mut exit = self.exit.clone();
        let ended = exit.wait_for(Option::is_some).await;
        // Without a runtime no task waits for processes any more.
        ended.ok().and_then(|it| *it).unwrap_or(Exit {
            code: None,
            signal: None,
            after: Duration::ZERO,
        })
    }

    /// Kills the process and its group, and waits for its end.
    pub async fn kill(&self) {
        self.kill_group();
        self.exited().await;
    }

    fn kill_group(&self) {
        if !self.state.reaped.load(Ordering::Acquire) {
            // ESRCH: all of it has just ended.
            let _ = killpg(self.pid, Signal::SIGKILL);
        }
    }

    /// Resident memory of the group in bytes; nothing once it has ended.
    pub fn memory(&self) -> Option<u64> {
        if self.state.reaped.load(Ordering::Acquire) {
            return None;
        }
        let group = processes::of_group(self.pid.as_raw());
        group
            .iter()
            .filter_map(|it| processes::resident(it.pid))
            .reduce(|sum, it| sum + it)
    }

    /// Processor time that the group has used; after its end, the process with the children that it waited for.
    pub fn cpu(&self) -> Duration {
        let ended = self.state.cpu.get().copied();
        ended.unwrap_or_else(|| cpu(self.pid))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.kill_group();
    }
}

fn cpu(group: Pid) -> Duration {
    processes::of_group(group.as_raw())
        .iter()
        .map(|it| it.cpu)
        .sum()
}

/// Waits for the end of one process; the only one that takes its status.
struct Reaper {
    child: Child,
    pid: Pid,
    started: Instant,
    readers: Vec<JoinHandle<()>>,
    /// Ends the readers.
    enough: CancellationToken,
    state: Arc<ExitState>,
    watchdog: Watchdog,
}

impl Reaper {
    async fn run(mut self) -> Exit {
        ended(self.pid).await;
        let after = self.started.elapsed();
        // As long as the status was not taken, the number means this process and its group.
        let own = Process::read(self.pid.as_raw()).map(|it| it.cpu);
        let _ = self.state.cpu.set(own.unwrap_or_default());
        // What is left of its group has no business any more.
        let _ = killpg(self.pid, Signal::SIGKILL);
        self.state.reaped.store(true, Ordering::Release);
        let status = self.child.wait().await.ok();
        self.watchdog.group_gone(self.pid.as_raw().unsigned_abs());
        watchdog::reap();
        self.read_on().await;
        Exit {
            code: status.and_then(|it| ExitStatus::code(&it)),
            signal: status.and_then(|it| std::os::unix::process::ExitStatusExt::signal(&it)),
            after,
        }
    }

    /// Waits until the output has been read, within the grace.
    async fn read_on(self) {
        let mut all = std::pin::pin!(futures::future::join_all(self.readers));
        if tokio::time::timeout(OUTPUT_GRACE, &mut all).await.is_err() {
            self.enough.cancel();
            all.await;
        }
    }
}

/// Waits for a process to end without taking its status, so that its number stays its own.
async fn ended(pid: Pid) {
    let Ok(mut children) = tokio::signal::unix::signal(SignalKind::child()) else {
        return;
    };
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    while let Ok(WaitStatus::StillAlive) = waitid(Id::Pid(pid), look) {
        if children.recv().await.is_none() {
            return;
        }
    }
}
