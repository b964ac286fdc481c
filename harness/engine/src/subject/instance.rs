//! One running process of the implementation, with its group.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::output::{Output, Stream};
use crate::run::watchdog::Watchdog;

/// How long output is read on after the process and its group have ended.
const OUTPUT_GRACE: Duration = Duration::from_millis(500);

/// What to start.
#[derive(Clone, Debug)]
pub struct Launch {
    /// For messages: `user-service #1`.
    pub name: String,
    /// A path, or a name that is looked up in the `PATH` of `env`.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its working folder.
    pub dir: PathBuf,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
}

/// Why a program did not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {name}: {program}: {cause}; {advice}")]
pub struct StartError {
    name: String,
    program: String,
    cause: io::Error,
    advice: &'static str,
}

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
    pid: u32,
    output: Output,
    exit: watch::Receiver<Option<Exit>>,
    watchdog: Watchdog,
}

impl Instance {
    /// Starts the program in a process group of its own, its output captured, its input empty.
    ///
    /// Must be called within a runtime.
    pub fn start(launch: &Launch, watchdog: &Watchdog) -> Result<Self, StartError> {
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
            .map_err(|cause| StartError::new(launch, cause))?;
        let pid = child.id().unwrap_or_default();
        watchdog.group(pid);
        let output = Output::default();
        let mut readers = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            readers.push(tokio::spawn(output.clone().read(Stream::Stdout, stdout)));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.push(tokio::spawn(output.clone().read(Stream::Stderr, stderr)));
        }
        let (ended, exit) = watch::channel(None);
        tokio::spawn(reap(child, pid, readers, ended));
        Ok(Self {
            pid,
            output,
            exit,
            watchdog: watchdog.clone(),
        })
    }

    /// The number of the process and of its group.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// What it wrote.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Sends a signal to the process itself, as an orchestrator does.
    pub fn signal(&self, signal: Signal) {
        if self.exit().is_none() {
            // It may end at this very moment: then there is nobody to be told.
            let _ = nix::sys::signal::kill(raw(self.pid), signal);
        }
    }

    /// How it ended, if it has.
    pub fn exit(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Waits for its end, and for the end of its output.
    pub async fn exited(&self) -> Exit {
        let mut exit = self.exit.clone();
        let ended = exit.wait_for(Option::is_some).await;
        ended.ok().and_then(|it| *it).unwrap_or(Exit {
            code: None,
            signal: None,
            after: Duration::ZERO,
        })
    }

    /// Kills the process and what is left of its group, and waits for its end.
    pub async fn kill(&self) {
        self.kill_group();
        self.exited().await;
    }

    /// Only before its end is known: afterwards the number may be somebody else's.
    fn kill_group(&self) {
        if self.exit().is_none() {
            let _ = killpg(raw(self.pid), Signal::SIGKILL);
        }
    }

    /// Resident memory of the group, in bytes.
    pub fn memory(&self) -> u64 {
        group(self.pid)
            .iter()
            .filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/statm")).ok())
            .filter_map(|it| it.split_whitespace().nth(1)?.parse::<u64>().ok())
            .sum::<u64>()
            * 4096
    }

    /// Processor time that the group's living processes have used.
    pub fn cpu(&self) -> Duration {
        let ticks: u64 = group(self.pid).iter().filter_map(|pid| ticks(*pid)).sum();
        // The kernel shows times in hundredths of a second, whatever its own clock.
        Duration::from_millis(10 * ticks)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.kill_group();
        self.watchdog.group_gone(self.pid);
    }
}

fn raw(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).unwrap_or(i32::MAX))
}

/// Waits for the process, then for its output, which a grandchild may hold open.
async fn reap(
    mut child: Child,
    pid: u32,
    readers: Vec<JoinHandle<()>>,
    ended: watch::Sender<Option<Exit>>,
) {
    use std::os::unix::process::ExitStatusExt as _;
    let begun = Instant::now();
    let status = child.wait().await;
    let after = begun.elapsed();
    // What is left of its group has no business any more.
    let _ = killpg(raw(pid), Signal::SIGKILL);
    let aborts: Vec<_> = readers.iter().map(JoinHandle::abort_handle).collect();
    let all = futures::future::join_all(readers);
    if tokio::time::timeout(OUTPUT_GRACE, all).await.is_err() {
        for reader in aborts {
            reader.abort();
        }
    }
    let _ = ended.send(Some(Exit {
        code: status.as_ref().ok().and_then(std::process::ExitStatus::code),
        signal: status.ok().and_then(|it| it.signal()),
        after,
    }));
}

/// The fields of `/proc/PID/stat` behind the program's name, which may hold anything.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

/// The processes of a group.
fn group(leader: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|it| it.file_name().to_str()?.parse().ok())
        .filter(|pid| stat(*pid).is_some_and(|it| it.get(2).is_some_and(|it| *it == leader.to_string())))
        .collect()
}

fn ticks(pid: u32) -> Option<u64> {
    let stat = stat(pid)?;
    let field = |index: usize| stat.get(index)?.parse::<u64>().ok();
    Some(field(11)? + field(12)?)
}

impl StartError {
    fn new(launch: &Launch, cause: io::Error) -> Self {
        let advice = match cause.kind() {
            io::ErrorKind::NotFound => "check `command` in the manifest: a path is relative to the manifest, a bare name is looked up in PATH; a script also needs its interpreter",
            io::ErrorKind::PermissionDenied => "make the file executable (chmod +x), and check that it is no folder",
            _ if cause.raw_os_error() == Some(nix::libc::ENOEXEC) => "it is no program for this machine; a script needs a first line such as #!/bin/sh",
            _ => "check `command` in the manifest",
        };
        Self {
            name: launch.name.clone(),
            program: launch.program.display().to_string(),
            cause,
            advice,
        }
    }
}
