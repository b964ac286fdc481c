//! Whatever ends the run, nothing is left: a second process that holds a pipe to the first.
//!
//! The harness writes down what it makes, a line each, into the watchdog's standard input. When the
//! pipe closes, because the run is over or because the harness was killed, the watchdog ends the
//! process groups, then every process that was started with the run's folder as its `TMPDIR` (a
//! grandchild may have left its group), and removes folders and files.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal, killpg};
use nix::unistd::{Pid, getpid, getppid, setsid};

use crate::run::folder::RunFolder;

/// How long the watchdog goes on looking for processes that appear while it ends others.
const SWEEP_LIMIT: Duration = Duration::from_secs(10);

/// The harness's end of the pipe; clones share it.
#[derive(Clone, Debug)]
pub struct Watchdog {
    child: Arc<Mutex<Option<Child>>>,
}

impl Watchdog {
    /// Starts the watchdog of the run whose folder this is: this program, with the argument `watchdog`.
    pub fn start(folder: &RunFolder) -> io::Result<Self> {
        let child = Command::new(std::env::current_exe()?)
            .arg("watchdog")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()?;
        let watchdog = Self {
            child: Arc::new(Mutex::new(Some(child))),
        };
        watchdog.folder(folder.path());
        Ok(watchdog)
    }

    /// A process group that must not outlive the run.
    pub fn group(&self, pid: u32) {
        self.tell(&format!("group {pid}"));
    }

    /// A process group that has ended; its number may now belong to somebody else.
    pub fn group_gone(&self, pid: u32) {
        self.tell(&format!("gone {pid}"));
    }

    /// A folder to remove.
    pub fn folder(&self, path: &Path) {
        self.tell(&format!("folder {}", path.display()));
    }

    /// A folder to keep after all.
    pub fn keep(&self, path: &Path) {
        self.tell(&format!("keep {}", path.display()));
    }

    /// A file to remove.
    pub fn file(&self, path: &Path) {
        self.tell(&format!("file {}", path.display()));
    }

    fn tell(&self, line: &str) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stdin) = child.as_mut().and_then(|it| it.stdin.as_mut()) {
            // A watchdog that somebody killed cannot be told anything; the run goes on without it.
            let _ = writeln!(stdin, "{line}");
        }
    }

    /// Closes the pipe and waits until the watchdog has swept.
    pub async fn finish(&self) {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut child) = child {
            drop(child.stdin.take());
            let _ = tokio::task::spawn_blocking(move || child.wait()).await;
        }
    }
}

/// The body of the hidden command `watchdog`: listens until the pipe closes, then sweeps.
pub fn watchdog_main() -> ExitCode {
    // Its own session: a ctrl-C on the terminal is for the harness.
    let _ = setsid();
    let mut deaf = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        deaf.add(signal);
    }
    let _ = deaf.thread_block();
    let harness = getppid();
    let mut ledger = Ledger::default();
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        ledger.apply(&line);
    }
    ledger.sweep(harness);
    ExitCode::SUCCESS
}

/// What the watchdog was told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ledger {
    groups: BTreeSet<i32>,
    folders: BTreeSet<PathBuf>,
    kept: BTreeSet<PathBuf>,
    files: BTreeSet<PathBuf>,
}

impl Ledger {
    fn apply(&mut self, line: &str) {
        let Some((verb, object)) = line.split_once(' ') else {
            return;
        };
        let group = object.parse::<i32>().ok().filter(|it| *it > 1);
        match (verb, group) {
            ("group", Some(group)) => {
                self.groups.insert(group);
            }
            ("gone", Some(group)) => {
                self.groups.remove(&group);
            }
            ("folder", _) => {
                self.folders.insert(object.into());
            }
            ("keep", _) => {
                self.kept.insert(object.into());
            }
            ("file", _) => {
                self.files.insert(object.into());
            }
            _ => {}
        }
    }

    fn sweep(&self, harness: Pid) {
        for group in &self.groups {
            let _ = killpg(Pid::from_raw(*group), Signal::SIGKILL);
        }
        let begun = Instant::now();
        // A process that is being killed may still start another.
        while self.kill_strays(harness) && begun.elapsed() < SWEEP_LIMIT {
            std::thread::yield_now();
        }
        for folder in self.folders.difference(&self.kept) {
            while fs::remove_dir_all(folder).is_err_and(|it| it.kind() != io::ErrorKind::NotFound)
                && begun.elapsed() < SWEEP_LIMIT
            {
                std::thread::yield_now();
            }
        }
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
    }

    /// Kills every process that was started with one of the folders as its place for temporary files.
    fn kill_strays(&self, harness: Pid) -> bool {
        let mut found = false;
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|it| it.parse::<i32>().ok()) else {
                continue;
            };
            let pid = Pid::from_raw(pid);
            if pid == getpid() || pid == harness {
                continue;
            }
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            if self.folders.iter().any(|it| holds(&environment, it)) {
                found = true;
                let _ = nix::sys::signal::kill(pid, Signal::SIGKILL);
            }
        }
        found
    }
}

/// Whether an environment block has its `TMPDIR` inside the folder.
fn holds(environment: &[u8], folder: &Path) -> bool {
    let wanted = format!("TMPDIR={}/", folder.display());
    environment
        .split(|it| *it == 0)
        .any(|variable| variable.starts_with(wanted.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(lines: &[&str]) -> Ledger {
        let mut ledger = Ledger::default();
        for line in lines {
            ledger.apply(line);
        }
        ledger
    }

    #[test]
    fn a_group_that_has_ended_is_forgotten() {
        assert_eq!(ledger(&["group 77", "gone 77"]), Ledger::default());
    }

    #[test]
    fn what_is_no_group_is_never_killed() {
        // kill(-1) would end everything, kill(0) the watchdog's own group.
        assert_eq!(ledger(&["group 1", "group 0", "group -1", "group x", "rubbish"]), Ledger::default());
    }

    #[test]
    fn a_path_with_spaces_is_one_path() {
        let folder = PathBuf::from("/tmp/a b");
        assert_eq!(ledger(&["folder /tmp/a b"]).folders, BTreeSet::from([folder]));
    }

    #[test]
    fn a_stray_is_known_by_its_place_for_temporary_files() {
        let folder = Path::new("/tmp/run-1");
        assert!(holds(b"A=1\0TMPDIR=/tmp/run-1/tmp\0", folder));
        assert!(!holds(b"TMPDIR=/tmp/run-10/tmp\0", folder));
        assert!(!holds(b"XTMPDIR=/tmp/run-1/tmp\0", folder));
    }
}
