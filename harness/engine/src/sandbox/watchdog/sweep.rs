//! Finds and kills the processes of a run.

use std::collections::BTreeSet;
use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::memory::Memory;
use super::orphans::HarnessChildren;
use crate::sandbox::processes::{self, Process};

/// Criteria by which a run's processes are recognized: by group, by `TMPDIR`, as children of the harness, or as
/// descendants of such a process.
pub(super) struct RunProcesses<'a> {
    /// Process groups of the run.
    pub(super) groups: &'a BTreeSet<i32>,
    /// Folders of the run: a process whose `TMPDIR` is inside one of them belongs to the run.
    pub(super) folders: &'a BTreeSet<PathBuf>,
    /// The children that the harness has or had: an orphan whose parent it is belongs to the run.
    pub(super) harness_children: &'a HarnessChildren,
    /// Processes that never belong to the run: the harness and the watchdog.
    pub(super) excluded: &'a [i32],
}

impl RunProcesses<'_> {
    /// Kills all processes of the run and returns their ids; adds their shared memory to `memory`.
    ///
    /// SIGSTOP comes first, so that no process can fork, or lose the parent by which it is recognized:
    /// PostgreSQL's children leave the group and overwrite their environment.
    pub(super) fn kill(&self, memory: &mut BTreeSet<Memory>) -> BTreeSet<i32> {
        let mut stopped = BTreeSet::new();
        loop {
            let found = self.find();
            let new: Vec<i32> = found.difference(&stopped).copied().collect();
            if new.is_empty() {
                break;
            }
            send(new.iter(), Signal::SIGSTOP);
            stopped.extend(new);
        }
        // Memory maps are readable only while the processes exist.
        memory.extend(stopped.iter().flat_map(|pid| Memory::mapped_by(*pid)));
        send(stopped.iter(), Signal::SIGKILL);
        stopped
    }

    fn find(&self) -> BTreeSet<i32> {
        self.select(&processes::all(), |pid| {
            self.folders
                .iter()
                .any(|folder| processes::has_tmpdir_in(pid, folder))
        })
    }

    /// Selects the run's processes from `all`; `in_folder` checks whether a process has its `TMPDIR` in one
    /// of the run's folders.
    fn select(&self, all: &[Process], in_folder: impl Fn(i32) -> bool) -> BTreeSet<i32> {
        let candidates = || {
            all.iter()
                .filter(|process| process.pid > 1 && !self.excluded.contains(&process.pid))
        };
        let is_own = |process: &&Process| {
            self.groups.contains(&process.group)
                || self.harness_children.contains(process)
                || in_folder(process.pid)
        };
        let mut found: BTreeSet<i32> = candidates()
            .filter(is_own)
            .map(|process| process.pid)
            .collect();
        loop {
            let children = candidates()
                .filter(|process| found.contains(&process.parent) && !found.contains(&process.pid));
            let children: Vec<i32> = children.map(|process| process.pid).collect();
            if children.is_empty() {
                break;
            }
            found.extend(children);
        }
        // Zombies were needed to find their children, but need no signal.
        for process in all.iter().filter(|process| process.ended) {
            found.remove(&process.pid);
        }
        found
    }
}

fn send<'a>(processes: impl Iterator<Item = &'a i32>, signal: Signal) {
    for pid in processes {
        // It fails if the process has just ended.
        let _ = kill(Pid::from_raw(*pid), signal);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn process(pid: i32, parent: i32, group: i32) -> Process {
        Process {
            pid,
            parent,
            group,
            session: group,
            ended: false,
            cpu: Duration::ZERO,
            started: 1,
        }
    }

    #[track_caller]
    fn check(all: &[Process], expected: &[i32]) {
        let (groups, folders) = (BTreeSet::from([20]), BTreeSet::new());
        let criteria = RunProcesses {
            groups: &groups,
            folders: &folders,
            harness_children: &HarnessChildren {
                harness: Some(10),
                ..HarnessChildren::default()
            },
            excluded: &[10, 11],
        };
        let found = criteria.select(all, |pid| pid == 40);
        assert_eq!(found, expected.iter().copied().collect());
    }

    #[test]
    fn a_group_and_its_descendants_belong_to_the_run() {
        let all = [
            process(23, 22, 23),
            process(20, 10, 20),
            process(21, 1, 20),
            process(22, 21, 22),
            process(30, 1, 30),
        ];
        check(&all, &[20, 21, 22, 23]);
    }

    #[test]
    fn a_process_with_its_tmpdir_in_the_run_folder_belongs_to_the_run() {
        check(&[process(40, 1, 40), process(41, 40, 41)], &[40, 41]);
    }

    #[test]
    fn an_orphan_that_the_harness_adopted_belongs_to_the_run() {
        check(&[process(50, 10, 50), process(51, 50, 51)], &[50, 51]);
    }

    #[test]
    fn harness_watchdog_and_init_never_belong_to_the_run() {
        check(
            &[process(1, 0, 20), process(10, 20, 20), process(11, 10, 20)],
            &[],
        );
    }

    #[test]
    fn a_zombie_is_not_killed_but_its_children_are() {
        let ended = Process {
            ended: true,
            ..process(20, 10, 20)
        };
        check(&[ended, process(21, 20, 99)], &[21]);
    }
}
