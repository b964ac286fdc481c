//! Orphans of the run: processes whose parent has ended, and that are recognized neither by `TMPDIR` nor by group.
//!
//! The harness is a *subreaper*: orphans among its descendants become its children instead of init's. While the
//! harness lives, all its children belong to the run. When it is killed, they get another parent, so the watchdog
//! keeps a list of them. An orphan is not found if it left its group, was started without the run's variables, and
//! lost its parent less than [`POLL_INTERVAL`] before the harness was killed by SIGKILL.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::prctl::set_child_subreaper;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getpid};

use crate::sandbox::processes::{self, Process};

/// How often the watchdog lists the harness's children.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Makes this process the subreaper of its descendants; returns whether it is one.
///
/// It must not become one if it already has children: a shell that started programs and then replaced itself
/// by this program with `exec` leaves children that do not belong to the run.
pub(super) fn become_subreaper() -> bool {
    let has_children = !processes::children(getpid().as_raw()).is_empty();
    !has_children && set_child_subreaper(true).is_ok()
}

/// Reaps adopted orphans that have ended, because zombies count against the machine's limit of processes.
pub(crate) fn reap_orphans() {
    let own = getpid().as_raw();
    let Some(harness) = Process::read(own) else {
        return;
    };
    for pid in processes::children(own) {
        let child = Process::read(pid);
        if child.is_some_and(|child| child.ended && is_orphan(&child, &harness)) {
            // It fails if another thread has reaped it meanwhile.
            let _ = waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG));
        }
    }
}

/// Whether a child of the harness was started by another process. Children that the harness started are in its
/// session, and either lead a group or are in its group. The watchdog has its own session, but outlives the harness.
fn is_orphan(child: &Process, harness: &Process) -> bool {
    let is_group_leader = child.group == child.pid;
    child.session != harness.session || !(is_group_leader || child.group == harness.group)
}

/// The present and former children of the harness.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct HarnessChildren {
    /// Process id of the harness; `None` if it is not a subreaper.
    pub(super) harness: Option<i32>,
    /// Process id and start time of each child that was observed.
    pub(super) observed: BTreeMap<i32, u64>,
}

impl HarnessChildren {
    /// Whether a process is or was a child of the harness.
    pub(super) fn contains(&self, process: &Process) -> bool {
        let was_observed = self.observed.get(&process.pid) == Some(&process.started);
        self.harness
            .is_some_and(|harness| was_observed || harness == process.parent)
    }
}

/// Lists the harness's children at an interval, on its own thread.
pub(super) struct ChildMonitor {
    /// The thread ends when this is dropped.
    stop: mpsc::Sender<()>,
    thread: JoinHandle<BTreeMap<i32, u64>>,
}

impl ChildMonitor {
    /// Starts the thread.
    pub(super) fn start(harness: i32) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut observed = BTreeMap::new();
            while stopped.recv_timeout(POLL_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                update(&mut observed, harness);
            }
            observed
        });
        Self { stop, thread }
    }

    /// Stops the thread; returns the observed children that are still running.
    pub(super) fn stop(self) -> BTreeMap<i32, u64> {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}

/// Adds the harness's children and removes ended processes. Running processes that are no longer its children
/// stay: the harness may have been killed.
fn update(observed: &mut BTreeMap<i32, u64>, harness: i32) {
    let children = processes::children(harness);
    observed.retain(|pid, started| {
        children.contains(pid)
            || Process::read(*pid).is_some_and(|process| process.started == *started)
    });
    for pid in children {
        if !observed.contains_key(&pid)
            && let Some(process) = Process::read(pid)
        {
            observed.insert(pid, process.started);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, group: i32, session: i32) -> Process {
        Process {
            pid,
            parent: 10,
            group,
            session,
            ended: true,
            cpu: Duration::ZERO,
            started: 7,
        }
    }

    #[test]
    fn children_that_the_harness_started_are_not_orphans() {
        let harness = process(10, 9, 5);
        assert!(
            !is_orphan(&process(20, 20, 5), &harness),
            "a group's leader"
        );
        assert!(!is_orphan(&process(20, 9, 5), &harness), "in its group");
        assert!(
            is_orphan(&process(21, 20, 5), &harness),
            "in a program's group"
        );
        assert!(
            is_orphan(&process(20, 20, 20), &harness),
            "in its own session"
        );
    }

    #[test]
    fn a_process_is_identified_by_its_id_and_start_time() {
        let children = HarnessChildren {
            harness: Some(99),
            observed: BTreeMap::from([(20, 7), (21, 6)]),
        };
        assert!(children.contains(&process(20, 20, 20)));
        assert!(
            !children.contains(&process(21, 21, 21)),
            "its id was reused"
        );
        let without_subreaper = HarnessChildren {
            harness: None,
            ..children
        };
        assert!(!without_subreaper.contains(&process(20, 20, 20)));
    }

    #[test]
    fn a_child_is_listed_until_it_ends() {
        let mut child = std::process::Command::new("sleep")
            .arg("600")
            .spawn()
            .expect("a child");
        let pid = i32::try_from(child.id()).expect("a number");
        let mut observed = BTreeMap::new();
        update(&mut observed, getpid().as_raw());
        assert!(observed.contains_key(&pid));
        // As if the harness had been killed.
        update(&mut observed, i32::MAX);
        assert!(observed.contains_key(&pid));
        child.kill().expect("it is killed");
        child.wait().expect("it has ended");
        update(&mut observed, i32::MAX);
        assert!(!observed.contains_key(&pid));
    }
}
