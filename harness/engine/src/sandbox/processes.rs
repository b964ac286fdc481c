//! The kernel's table of processes, read from `/proc`.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// The kernel reports processor time in hundredths of a second, whatever its own clock.
const TICK: Duration = Duration::from_millis(10);

/// One process, as it was a moment ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its number.
    pub(crate) pid: i32,
    /// Who started it, or who took it over when that one ended.
    pub(crate) parent: i32,
    /// Its group, by the number of the group's leader.
    pub(crate) group: i32,
    /// Its session, by the number of the session's leader.
    pub(crate) session: i32,
    /// It has ended, and its parent has not asked how.
    pub(crate) ended: bool,
    /// Processor time of its own and of its children that ended and were asked how.
    pub(crate) cpu: Duration,
    /// When it was started, in the kernel's ticks: with its number, it means this process for ever.
    pub(crate) started: u64,
}

impl Process {
    /// The process with this number, if there is one.
    pub(crate) fn read(pid: i32) -> Option<Self> {
        let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(pid, &String::from_utf8_lossy(&text))
    }

    fn parse(pid: i32, stat: &str) -> Option<Self> {
        // The name may hold anything, brackets too.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks: u32 = fields
            .get(11..15)?
            .iter()
            .filter_map(|it| it.parse::<u32>().ok())
            .sum();
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            ended: matches!(*fields.first()?, "Z" | "X"),
            cpu: TICK * ticks,
            started: fields.get(19)?.parse().ok()?,
        })
    }
}

/// Every process of the machine that can be seen.
pub(crate) fn all() -> Vec<Process> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Process::read(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// The numbers of a process's children.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let lists = threads.into_iter().flatten().flatten();
    let lists: Vec<_> = lists
        .map(|it| fs::read_to_string(it.path().join("children")))
        .collect();
    if lists.iter().any(Result::is_ok) {
        let numbers = lists.iter().flatten().flat_map(|it| it.split_whitespace());
        return numbers.filter_map(|it| it.parse().ok()).collect();
    }
    // A kernel without these lists, which are an option of it.
    let own = |it: &Process| (it.parent == pid).then_some(it.pid);
    all().iter().filter_map(own).collect()
}

/// The processes of a group, those that ended and were not asked how among them.
pub(crate) fn of_group(leader: i32) -> Vec<Process> {
    let mut processes = all();
    processes.retain(|it| it.group == leader);
    processes
}

/// Resident memory of a process in bytes; nothing for one that has ended.
pub(crate) fn resident(pid: i32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

/// Whether a process was started with its temporary files in this folder or below it.
pub(crate) fn has_its_temporary_files_in(pid: i32, folder: &Path) -> bool {
    // Another user's environment cannot be read, nor is it any of the run's.
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    names_folder(&environment, folder)
}

fn names_folder(environment: &[u8], folder: &Path) -> bool {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    environment
        .split(|it| *it == 0)
        .filter_map(|variable| variable.strip_prefix(b"TMPDIR="))
        .any(|value| Path::new(OsStr::from_bytes(value)).starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let stat = "77 (a) S 1 (b) Z 1 70 70 0 -1 4194304 1 2 3 4 100 20 3 0 20 0 1 0 5 6 7";
        let process = Process::parse(77, stat).expect("a process");
        assert_eq!(
            (process.parent, process.group, process.ended),
            (1, 70, true)
        );
        assert_eq!(process.cpu, Duration::from_millis(1230));
        assert_eq!(process.started, 5);
    }

    #[test]
    fn rubbish_is_no_process() {
        assert_eq!(Process::parse(1, ""), None);
        assert_eq!(Process::parse(1, "1 (x) S"), None);
        assert_eq!(
            Process::parse(1, "1 (x) S a b c d e f g h i j k l m n"),
            None
        );
    }

    #[test]
    fn this_process_is_seen() {
        let own = i32::try_from(std::process::id()).expect("a number");
        let seen = Process::read(own).expect("itself");
        assert!(!seen.ended);
        assert!(resident(own).expect("its memory") > 1 << 20);
        assert!(of_group(seen.group).iter().any(|it| it.pid == own));
    }

    #[test]
    fn a_child_is_seen_whichever_thread_started_it() {
        let start = || std::process::Command::new("sleep").arg("600").spawn();
        let mut child = std::thread::scope(|scope| {
            let started = scope.spawn(start);
            started.join().expect("no panic").expect("a child")
        });
        let own = i32::try_from(std::process::id()).expect("a number");
        let number = i32::try_from(child.id()).expect("a number");
        assert!(children(own).contains(&number));
        child.kill().expect("it is killed");
        child.wait().expect("it has ended");
        assert!(!children(own).contains(&number));
    }

    #[test]
    fn a_process_is_known_by_its_place_for_temporary_files() {
        let folder = Path::new("/tmp/run-1");
        assert!(names_folder(b"A=1\0TMPDIR=/tmp/run-1/tmp\0", folder));
        assert!(names_folder(b"TMPDIR=/tmp/run-1\0", folder));
        assert!(!names_folder(b"TMPDIR=/tmp/run-10/tmp\0", folder));
        assert!(!names_folder(b"XTMPDIR=/tmp/run-1/tmp\0", folder));
        assert!(!names_folder(b"", folder));
    }
}
