//! Shared memory that would outlive the processes that were killed with it.
//!
//! PostgreSQL removes its own when it ends by itself; after a SIGKILL it stays. `initdb` has no option
//! to do without.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::sandbox::processes;

/// What the names of PostgreSQL's files in memory begin with; other files there may be a user's data.
const FILES: &str = "/dev/shm/PostgreSQL.";

/// What the kernel calls a segment of System V in a process's map; a key follows.
const SEGMENT: &str = "/SYSV";

/// One piece of shared memory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Memory {
    /// A file in memory.
    File(PathBuf),
    /// A segment of System V, by its id.
    Segment(u64),
}

impl Memory {
    /// What a process has in its map.
    pub(super) fn of(pid: i32) -> Vec<Self> {
        let map = fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&map))
    }

    fn parse(map: &str) -> Vec<Self> {
        // ADDRESSES RIGHTS OFFSET DEVICE INODE PATH; of one that is removed already, `PATH (deleted)`.
        let all = map.lines().filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            match fields[..] {
                [_, _, _, _, _, path] if path.starts_with(FILES) => Some(Self::File(path.into())),
                // The kernel calls every segment deleted; its inode is the id.
                [_, _, _, _, id, path, ..] if path.starts_with(SEGMENT) => {
                    id.parse().ok().map(Self::Segment)
                }
                _ => None,
            }
        });
        all.collect()
    }

    /// Removes it, unless a process still has it; the error says why it could not.
    pub(super) fn remove(&self) -> Result<(), String> {
        match self {
            Self::File(path) => match fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    Err(format!("{} ({error}); remove it by hand", path.display()))
                }
                _ => Ok(()),
            },
            Self::Segment(id) if is_unused(*id) => remove_segment(*id),
            Self::Segment(_) => Ok(()),
        }
    }
}

/// Removes the names of what the processes of a group share, just before they are killed: the memory
/// itself goes with the last of them.
pub(crate) fn release(leader: i32) {
    let processes = processes::of_group(leader);
    let shared: BTreeSet<Memory> = processes.iter().flat_map(|it| Memory::of(it.pid)).collect();
    for memory in shared {
        // What stays is a megabyte in memory, and only where a user may not remove their own.
        let _ = match memory {
            Memory::File(_) => memory.remove(),
            Memory::Segment(id) => remove_segment(id),
        };
    }
}

/// Whether there is a segment with this id that no process has.
fn is_unused(id: u64) -> bool {
    let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    // KEY ID RIGHTS SIZE CREATOR LAST-USER ATTACHED ...
    table.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().take(7).collect();
        fields.get(1).and_then(|it| it.parse().ok()) == Some(id) && fields.get(6) == Some(&"0")
    })
}

fn remove_segment(id: u64) -> Result<(), String> {
    let ended = Command::new("ipcrm")
        .args(["-m", &id.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match ended {
        Ok(status) if !status.success() && is_unused(id) => Err(format!(
            "shared memory {id} (ipcrm: {status}); remove it with `ipcrm -m {id}`"
        )),
        // Without `ipcrm` a few bytes stay; they cannot be removed by hand either.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgresql_s_files_and_segments_are_found_in_a_map_and_nothing_else() {
        let map = "\
7f00-7f01 rw-s 00000000 00:01 262201                     /SYSV009840d0 (deleted)
7f01-7f02 rw-s 00000000 00:1a 7                          /dev/shm/PostgreSQL.373727588
7f02-7f03 rw-s 00000000 00:1a 8                          /dev/shm/PostgreSQL.1 (deleted)
7f03-7f04 rw-s 00000000 00:1a 9                          /dev/shm/another-s-data
7f04-7f05 rw-p 00000000 00:00 0
7f05-7f06 r-xp 00000000 fe:00 10                         /usr/bin/postgres
rubbish
";
        let expected = [
            Memory::Segment(262_201),
            Memory::File("/dev/shm/PostgreSQL.373727588".into()),
        ];
        assert_eq!(Memory::parse(map), expected);
    }

    #[test]
    fn what_is_gone_is_no_complaint() {
        let gone = Memory::File("/dev/shm/PostgreSQL.there-is-none".into());
        assert_eq!(gone.remove(), Ok(()));
        assert_eq!(Memory::Segment(u64::MAX).remove(), Ok(()));
    }
}
