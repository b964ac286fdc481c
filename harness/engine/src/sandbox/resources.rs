//! Whether this process lacks a resource of the machine: descriptors, memory, room on a disk, ports, threads.
//!
//! A suite without descriptors sees refused connections and no answers, which look like faults of the
//! program under test. Where an error of the system shows a lack, it is noted here; a scenario during which
//! one was noted cannot be judged.

use std::error::Error;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use nix::libc;
use nix::sys::statvfs::statvfs;

/// Descriptors that the suite needs at once for the least of its actions.
const NEEDED_DESCRIPTORS: usize = 8;

/// Below this, files of the suite and of its servers cannot be written any more.
const NEEDED_BYTES: u64 = 1 << 20;

/// Less room than this is named when a server does not work: PostgreSQL's first files take 40 MB.
const LITTLE_ROOM: u64 = 64 << 20;

/// Where Linux keeps files in memory.
pub(crate) const MEMORY: &str = "/dev/shm";

/// The lack that was noted last in this process.
static LAST_LACK: LastLack = LastLack(Mutex::new(None));

/// When a lack was noted last, and what it was.
struct LastLack(Mutex<Option<(Instant, String)>>);

impl LastLack {
    fn lock(&self) -> MutexGuard<'_, Option<(Instant, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, error: &(dyn Error + 'static)) {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(system) = error.downcast_ref::<io::Error>()
                && is_lack(system)
            {
                *self.lock() = Some((Instant::now(), system.to_string()));
                return;
            }
            next = error.source();
        }
    }

    fn since(&self, since: Instant) -> Option<String> {
        let noted = self.lock().clone()?;
        (noted.0 >= since).then_some(noted.1)
    }
}

/// Whether an error of the system says that this process or its machine has run out of something.
fn is_lack(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::EMFILE
                | libc::ENFILE
                | libc::ENOMEM
                | libc::ENOBUFS
                | libc::ENOSPC
                | libc::EDQUOT
                | libc::EADDRNOTAVAIL
        )
    )
}

/// Notes a lack that lies behind an error of one of the suite's own actions, if there is one.
pub fn note(error: &(dyn Error + 'static)) {
    LAST_LACK.note(error);
}

/// The lack that was noted since then, if any.
pub fn lack_since(since: Instant) -> Option<String> {
    LAST_LACK.since(since)
}

/// What this process lacks right now, if anything: descriptors, or room in one of these folders.
pub fn lack(folders: &[&Path]) -> Option<String> {
    let descriptors: io::Result<Vec<File>> =
        (0..NEEDED_DESCRIPTORS).map(|_| File::open("/")).collect();
    if let Err(error) = descriptors {
        return is_lack(&error).then(|| error.to_string());
    }
    let is_full = |folder: &&&Path| free_bytes(folder).is_some_and(|it| it < NEEDED_BYTES);
    let full = folders.iter().find(is_full)?;
    Some(format!("no room is left in {}", full.display()))
}

/// The cause of an error, with how much may still be written in a folder if that is little.
pub(crate) fn with_room(cause: String, folder: &Path) -> String {
    match free_bytes(folder) {
        Some(free) if free < LITTLE_ROOM => format!(
            "{cause} ({} has room for {} kB only)",
            folder.display(),
            free >> 10
        ),
        _ => cause,
    }
}

/// The bytes that may still be written in a folder; `None` if it is not there.
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    let state = statvfs(folder).ok()?;
    state.blocks_available().checked_mul(state.fragment_size())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("no connection")]
    struct Transport(#[source] io::Error);

    fn system(number: i32) -> Transport {
        Transport(io::Error::from_raw_os_error(number))
    }

    #[test]
    fn a_lack_is_noted_wherever_it_stands_in_an_error_and_belongs_to_the_time_after() {
        let last = LastLack(Mutex::new(None));
        let before = Instant::now();
        last.note(&system(libc::ECONNREFUSED));
        assert_eq!(last.since(before), None);
        last.note(&system(libc::EMFILE));
        let lack = last.since(before).expect("it was noted");
        assert!(lack.contains("Too many open files"), "{lack}");
        assert_eq!(last.since(Instant::now()), None);
    }

    #[test]
    fn what_a_program_under_test_does_is_not_a_lack() {
        for number in [
            libc::ECONNREFUSED,
            libc::ECONNRESET,
            libc::EPIPE,
            libc::ETIMEDOUT,
        ] {
            assert!(!is_lack(&io::Error::from_raw_os_error(number)), "{number}");
        }
        for number in [
            libc::ENFILE,
            libc::ENOMEM,
            libc::ENOSPC,
            libc::EADDRNOTAVAIL,
        ] {
            assert!(is_lack(&io::Error::from_raw_os_error(number)), "{number}");
        }
        // A text of the program may say anything.
        assert!(!is_lack(&io::Error::other(
            "Too many open files (os error 24)"
        )));
    }

    #[test]
    fn a_machine_with_room_lacks_nothing() {
        assert_eq!(lack(&[Path::new("/"), Path::new("/not/there")]), None);
        assert_eq!(free_bytes(Path::new("/not/there")), None);
    }
}
