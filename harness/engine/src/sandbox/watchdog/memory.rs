//! Shared memory that outlives killed processes.
//!
//! PostgreSQL removes its shared memory on a shutdown, but not after a SIGKILL. `initdb` has no option
//! that avoids shared memory.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::sandbox::processes;

/// Prefix of PostgreSQL's shared memory files; other files in `/dev/shm` may be a user's data.
const FILE_PREFIX: &str = "/dev/shm/PostgreSQL.";

/// Prefix of a System V segment's name in `/proc/PID/maps`; its key follows.
const SEGMENT_PREFIX: &str = "/SYSV";

/// One shared memory file or segment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Memory {
    /// A file in `/dev/shm`.
    File(PathBuf),
    /// A System V segment, by its id.
    Segment(u64),
}

impl Memory {
    /// The shared memory that a process has mapped.
    pub(super) fn mapped_by(pid: i32) -> Vec<Self> {
        let map = fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&map))
    }

    fn parse(map: &str) -> Vec<Self> {
        // ADDRESSES RIGHTS OFFSET DEVICE INODE PATH; a removed file's path is followed by `(deleted)`.
        let mapped = map.lines().filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            match fields[..] {
                [_, _, _, _, _, path] if path.starts_with(FILE_PREFIX) => {
                    Some(Self::File(path.into()))
                }
                // The kernel marks every segment as deleted; the inode is the segment's id.
                [_, _, _, _, id, path, ..] if path.starts_with(SEGMENT_PREFIX) => {
                    id.parse().ok().map(Self::Segment)
                }
                _ => None,
            }
        });
        mapped.collect()
    }

    /// Removes the file, or the segment if no process is attached to it; the error describes why it could not.
    pub(super) fn remove(&self) -> Result<(), String> {
        match self {
            Self::File(path) => match fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    Err(format!("{} ({error}); remove it by hand", path.display()))
                }
                _ => Ok(()),
            },
            Self::Segment(id) if is_detached(*id) => remove_segment(*id),
            Self::Segment(_) => Ok(()),
        }
    }
}

/// Unlinks the shared memory of a process group that is about to be killed: the kernel frees the memory
/// when the last process ends.
pub(crate) fn release_shared_memory(leader: i32) {
    let processes = processes::group_members(leader);
    let shared: BTreeSet<Memory> = processes
        .iter()
        .flat_map(|process| Memory::mapped_by(process.pid))
        .collect();
    for memory in shared {
        // If this fails, a megabyte of memory stays allocated.
        let _ = match memory {
            Memory::File(_) => memory.remove(),
            Memory::Segment(id) => remove_segment(id),
        };
    }
}

/// Whether the segment exists and no process is attached to it.
fn is_detached(id: u64) -> bool {
    let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    // KEY ID RIGHTS SIZE CREATOR LAST-USER ATTACHED ...
    table.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().take(7).collect();
        fields.get(1).and_then(|field| field.parse().ok()) == Some(id)
            && fields.get(6) == Some(&"0")
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
        Ok(status) if !status.success() && is_detached(id) => Err(format!(
            "shared memory {id} (ipcrm: {status}); remove it with `ipcrm -m {id}`"
        )),
        // If `ipcrm` is not installed, a few bytes stay; the user could not remove them either.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_and_segments_of_postgresql_are_found_in_a_map() {
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
    fn removing_memory_that_does_not_exist_is_not_an_error() {
        let absent = Memory::File("/dev/shm/PostgreSQL.there-is-none".into());
        assert_eq!(absent.remove(), Ok(()));
        assert_eq!(Memory::Segment(u64::MAX).remove(), Ok(()));
    }
}
