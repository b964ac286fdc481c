//! Which processes are the run's, and their end.

use std::collections::BTreeSet;
use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::adopted::Adopted;
use super::memory::Memory;
use crate::sandbox::processes::{self, Process};

/// By what the run's processes are known.
pub(super) struct RunProcesses<'a> {
    /// They are in one of these groups,
    pub(super) groups: &'a BTreeSet<i32>,
    /// or were started with their temporary files in one of these folders,
    pub(super) folders: &'a BTreeSet<PathBuf>,
    /// or were adopted by the harness,
    pub(super) adopted: &'a Adopted,
    /// or descend from one of those; but these are none whatever they look like.
    pub(super) excluded: &'a [i32],
}

impl RunProcesses<'_> {
    /// Kills every process of the run and returns their numbers; adds what they share to `memory`.
    ///
    /// They are stopped first, so that none starts another meanwhile, or loses the parent by which it
    /// is known: PostgreSQL's children leave the group and overwrite their environment.
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
        // Their maps can be read only while they live.
        memory.extend(stopped.iter().flat_map(|pid| Memory::of(*pid)));
        send(stopped.iter(), Signal::SIGKILL);
        stopped
    }

    fn find(&self) -> BTreeSet<i32> {
        self.among(&processes::all(), |pid| {
            self.folders
                .iter()
                .any(|it| processes::has_its_temporary_files_in(pid, it))
        })
    }

    /// The run's processes among all; `in_folder` says of one whether its environment names a folder.
    fn among(&self, all: &[Process], in_folder: impl Fn(i32) -> bool) -> BTreeSet<i32> {
        let candidates = || {
            all.iter()
                .filter(|it| it.pid > 1 && !self.excluded.contains(&it.pid))
        };
        let own = |it: &&Process| {
            self.groups.contains(&it.group) || self.adopted.contains(it) || in_folder(it.pid)
        };
        let mut found: BTreeSet<i32> = candidates().filter(own).map(|it| it.pid).collect();
        loop {
            let children =
                candidates().filter(|it| found.contains(&it.parent) && !found.contains(&it.pid));
            let children: Vec<i32> = children.map(|it| it.pid).collect();
            if children.is_empty() {
                break;
            }
            found.extend(children);
        }
        // Those that ended lead to their children, but need no more.
        for process in all.iter().filter(|it| it.ended) {
            found.remove(&process.pid);
        }
        found
    }
}

fn send<'a>(processes: impl Iterator<Item = &'a i32>, signal: Signal) {
    for pid in processes {
        // It may have ended by itself.
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
        let marks = RunProcesses {
            groups: &groups,
            folders: &folders,
            adopted: &Adopted {
                harness: Some(10),
                ..Adopted::default()
            },
            excluded: &[10, 11],
        };
        let found = marks.among(all, |pid| pid == 40);
        assert_eq!(found, expected.iter().copied().collect());
    }

    #[test]
    fn a_group_and_what_descends_from_it_are_the_run_s() {
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
    fn a_process_with_its_temporary_files_in_the_run_s_folder_is_the_run_s() {
        check(&[process(40, 1, 40), process(41, 40, 41)], &[40, 41]);
    }

    #[test]
    fn a_process_that_the_harness_adopted_is_the_run_s() {
        check(&[process(50, 10, 50), process(51, 50, 51)], &[50, 51]);
    }

    #[test]
    fn harness_watchdog_and_the_first_process_never_are() {
        check(
            &[process(1, 0, 20), process(10, 20, 20), process(11, 10, 20)],
            &[],
        );
    }

    #[test]
    fn what_has_ended_needs_no_killing_but_its_children_do() {
        let ended = Process {
            ended: true,
            ..process(20, 10, 20)
        };
        check(&[ended, process(21, 20, 99)], &[21]);
    }
}
