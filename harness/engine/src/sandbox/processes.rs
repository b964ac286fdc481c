//! The kernel's process table, read from `/proc`.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// The unit of processor time in `/proc`: `USER_HZ` is 100 on every kernel.
const CPU_TICK: Duration = Duration::from_millis(10);

/// Snapshot of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// Process id.
    pub(crate) pid: i32,
    /// Process id of the parent, or of the process that adopted the orphan.
    pub(crate) parent: i32,
    /// Process group id: the process id of the group's leader.
    pub(crate) group: i32,
    /// Session id: the process id of the session's leader.
    pub(crate) session: i32,
    /// Whether the process is a zombie: it has ended, and its parent has not waited for it.
    pub(crate) ended: bool,
    /// Processor time of the process and of the children that it waited for.
    pub(crate) cpu: Duration,
    /// Start time in clock ticks since boot. Process ids are reused, but not with the same start time.
    pub(crate) started: u64,
}

impl Process {
    /// Reads the process with this id; `None` if there is none.
    pub(crate) fn read(pid: i32) -> Option<Self> {
        let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(pid, &String::from_utf8_lossy(&text))
    }

    fn parse(pid: i32, stat: &str) -> Option<Self> {
        // The program's name may contain brackets and spaces.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks: u32 = fields
            .get(11..15)?
            .iter()
            .filter_map(|field| field.parse::<u32>().ok())
            .sum();
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            ended: matches!(*fields.first()?, "Z" | "X"),
            cpu: CPU_TICK * ticks,
            started: fields.get(19)?.parse().ok()?,
        })
    }
}

/// All visible processes of this machine.
pub(crate) fn all() -> Vec<Process> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Process::read(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// The process ids of a process's children.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let lists: Vec<_> = threads
        .into_iter()
        .flatten()
        .flatten()
        .map(|thread| fs::read_to_string(thread.path().join("children")))
        .collect();
    if lists.iter().any(Result::is_ok) {
        let ids = lists
            .iter()
            .flatten()
            .flat_map(|ids| ids.split_whitespace());
        return ids.filter_map(|id| id.parse().ok()).collect();
    }
    // The kernel was built without these lists (CONFIG_PROC_CHILDREN).
    let mut processes = all();
    processes.retain(|process| process.parent == pid);
    processes.iter().map(|process| process.pid).collect()
}

/// The processes of a group, zombies included.
pub(crate) fn group_members(leader: i32) -> Vec<Process> {
    let mut processes = all();
    processes.retain(|process| process.group == leader);
    processes
}

/// Resident memory of a process in bytes; `None` if it has ended.
pub(crate) fn resident_memory(pid: i32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

/// Whether the `TMPDIR` of a process is this folder or is inside it.
pub(crate) fn has_tmpdir_in(pid: i32, folder: &Path) -> bool {
    // The environment of another user's process is not readable; such a process is not part of the run.
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment_has_tmpdir_in(&environment, folder)
}

fn environment_has_tmpdir_in(environment: &[u8], folder: &Path) -> bool {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    environment
        .split(|byte| *byte == 0)
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
    fn an_invalid_stat_line_is_refused() {
        assert_eq!(Process::parse(1, ""), None);
        assert_eq!(Process::parse(1, "1 (x) S"), None);
        assert_eq!(
            Process::parse(1, "1 (x) S a b c d e f g h i j k l m n"),
            None
        );
    }

    #[test]
    fn this_process_is_in_the_table() {
        let own = i32::try_from(std::process::id()).expect("a number");
        let process = Process::read(own).expect("this process");
        assert!(!process.ended);
        assert!(resident_memory(own).expect("its memory") > 1 << 20);
        let group = group_members(process.group);
        assert!(group.iter().any(|member| member.pid == own));
    }

    #[test]
    fn children_of_all_threads_are_found() {
        let start = || std::process::Command::new("sleep").arg("600").spawn();
        let mut child = std::thread::scope(|scope| {
            let started = scope.spawn(start);
            started.join().expect("no panic").expect("a child")
        });
        let own = i32::try_from(std::process::id()).expect("a number");
        let pid = i32::try_from(child.id()).expect("a number");
        assert!(children(own).contains(&pid));
        child.kill().expect("it is killed");
        child.wait().expect("it has ended");
        assert!(!children(own).contains(&pid));
    }

    #[test]
    fn a_process_is_recognized_by_its_tmpdir() {
        let folder = Path::new("/tmp/run-1");
        assert!(environment_has_tmpdir_in(
            b"A=1\0TMPDIR=/tmp/run-1/tmp\0",
            folder
        ));
        assert!(environment_has_tmpdir_in(b"TMPDIR=/tmp/run-1\0", folder));
        assert!(!environment_has_tmpdir_in(
            b"TMPDIR=/tmp/run-10/tmp\0",
            folder
        ));
        assert!(!environment_has_tmpdir_in(
            b"XTMPDIR=/tmp/run-1/tmp\0",
            folder
        ));
        assert!(!environment_has_tmpdir_in(b"", folder));
    }
}
