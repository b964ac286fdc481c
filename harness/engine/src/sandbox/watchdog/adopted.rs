//! Processes that lost their parent during the run, and that no variable or group marks as the run's.
//!
//! The harness is a *subreaper*: what loses its parent below it becomes its child instead of the first
//! process's. While the harness lives, its children are the run's. A harness that is killed loses them, so
//! the watchdog keeps a list of them. What loses its parent less than [`INTERVAL`] before a SIGKILL, has
//! left its group, and was started without the variables of the run, is not found.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::prctl::set_child_subreaper;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getpid};

use crate::sandbox::processes::{self, Process};

/// How often the watchdog looks at the harness's children.
const INTERVAL: Duration = Duration::from_millis(250);

/// Lets this process adopt what loses its parent below it; `false` if it must not, or cannot.
///
/// A shell that started programs before it became this process by `exec` has left it children that are not
/// the run's.
pub(super) fn adopt() -> bool {
    let is_childless = processes::children(getpid().as_raw()).is_empty();
    is_childless && set_child_subreaper(true).is_ok()
}

/// Takes the status of adopted children that have ended: as zombies they would count against the
/// machine's limit of processes.
pub(crate) fn reap() {
    let own = getpid().as_raw();
    let Some(harness) = Process::read(own) else {
        return;
    };
    for pid in processes::children(own) {
        let child = Process::read(pid);
        if child.is_some_and(|it| it.ended && is_adopted(&it, &harness)) {
            // Another thread may have been quicker.
            let _ = waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG));
        }
    }
}

/// Whether a child was started by another process: the harness's own lead a group in its session, or are in
/// its group. (The watchdog, in a session of its own, lives as long.)
fn is_adopted(child: &Process, harness: &Process) -> bool {
    let leads_a_group = child.group == child.pid;
    child.session != harness.session || !(leads_a_group || child.group == harness.group)
}

/// The children that the harness has or had.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Adopted {
    /// The harness, if it adopts.
    pub(super) harness: Option<i32>,
    /// When each was started, by its number.
    pub(super) seen: BTreeMap<i32, u64>,
}

impl Adopted {
    /// Whether a process is a child of the harness, or was one.
    pub(super) fn contains(&self, process: &Process) -> bool {
        let is_seen = self.seen.get(&process.pid) == Some(&process.started);
        self.harness
            .is_some_and(|harness| is_seen || harness == process.parent)
    }
}

/// Looks at the harness's children now and then, on a thread of its own.
pub(super) struct Lookout {
    /// Dropped to end the thread.
    end: mpsc::Sender<()>,
    thread: JoinHandle<BTreeMap<i32, u64>>,
}

impl Lookout {
    /// Begins to look.
    pub(super) fn start(harness: i32) -> Self {
        let (end, ended) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut seen = BTreeMap::new();
            while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                look(harness, &mut seen);
            }
            seen
        });
        Self { end, thread }
    }

    /// Ends, and returns the children that were seen and have not ended.
    pub(super) fn end(self) -> BTreeMap<i32, u64> {
        drop(self.end);
        self.thread.join().unwrap_or_default()
    }
}

/// Adds the harness's children. Those that are no more its own stay as long as they live: it may have been
/// killed just now.
fn look(harness: i32, seen: &mut BTreeMap<i32, u64>) {
    let children = processes::children(harness);
    seen.retain(|pid, started| {
        children.contains(pid) || Process::read(*pid).is_some_and(|it| it.started == *started)
    });
    for pid in children {
        if !seen.contains_key(&pid)
            && let Some(process) = Process::read(pid)
        {
            seen.insert(pid, process.started);
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
    fn children_of_the_harness_s_own_making_are_not_adopted() {
        let harness = process(10, 9, 5);
        assert!(
            !is_adopted(&process(20, 20, 5), &harness),
            "a group's leader"
        );
        assert!(!is_adopted(&process(20, 9, 5), &harness), "in its group");
        assert!(
            is_adopted(&process(21, 20, 5), &harness),
            "of a program's group"
        );
        assert!(
            is_adopted(&process(20, 20, 20), &harness),
            "in a session of its own"
        );
    }

    #[test]
    fn a_process_is_known_by_its_number_and_its_start() {
        let adopted = Adopted {
            harness: Some(99),
            seen: BTreeMap::from([(20, 7), (21, 6)]),
        };
        assert!(adopted.contains(&process(20, 20, 20)));
        assert!(
            !adopted.contains(&process(21, 21, 21)),
            "its number was used again"
        );
        let without = Adopted {
            harness: None,
            ..adopted
        };
        assert!(!without.contains(&process(20, 20, 20)));
    }

    #[test]
    fn a_child_is_seen_until_it_ends() {
        let mut child = std::process::Command::new("sleep")
            .arg("600")
            .spawn()
            .expect("a child");
        let number = i32::try_from(child.id()).expect("a number");
        let mut seen = BTreeMap::new();
        look(getpid().as_raw(), &mut seen);
        assert!(seen.contains_key(&number));
        // As if the harness had been killed.
        look(i32::MAX, &mut seen);
        assert!(seen.contains_key(&number));
        child.kill().expect("it is killed");
        child.wait().expect("it has ended");
        look(i32::MAX, &mut seen);
        assert!(!seen.contains_key(&number));
    }
}
