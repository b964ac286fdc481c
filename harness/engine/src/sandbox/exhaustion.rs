//! Detects that this process or its machine has run out of a resource: descriptors, memory, disk space, ports.
//!
//! A suite without descriptors observes refused connections and missing responses, which look like faults of the
//! program under test. System errors that show an exhausted resource are recorded here; a scenario during which one
//! was recorded cannot be judged.

use std::error::Error;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use nix::libc;
use nix::sys::statvfs::statvfs;

/// Number of descriptors that must be available: enough for the suite's smallest action.
const MIN_FREE_DESCRIPTORS: usize = 8;

/// With fewer bytes, the suite and its servers cannot write files.
const MIN_FREE_SPACE: u64 = 1 << 20;

/// Free space below which errors of servers mention it; a new PostgreSQL cluster takes 40 MB.
const LOW_FREE_SPACE: u64 = 64 << 20;

/// The in-memory file system of Linux.
pub(crate) const SHM_FOLDER: &str = "/dev/shm";

/// The last shortage that was recorded in this process.
static LAST_SHORTAGE: LastShortage = LastShortage(Mutex::new(None));

/// Time and error text of the last recorded shortage.
struct LastShortage(Mutex<Option<(Instant, String)>>);

impl LastShortage {
    fn lock(&self) -> MutexGuard<'_, Option<(Instant, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, error: &(dyn Error + 'static)) {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(system_error) = error.downcast_ref::<io::Error>()
                && is_shortage(system_error)
            {
                *self.lock() = Some((Instant::now(), system_error.to_string()));
                return;
            }
            next = error.source();
        }
    }

    fn since(&self, since: Instant) -> Option<String> {
        let (time, shortage) = self.lock().clone()?;
        (time >= since).then_some(shortage)
    }
}

/// Whether a system error means that a resource of this process or its machine is exhausted.
fn is_shortage(error: &io::Error) -> bool {
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

/// Records the error of an action of the suite if an exhausted resource caused it.
pub fn record(error: &(dyn Error + 'static)) {
    LAST_SHORTAGE.record(error);
}

/// The last shortage, if it was recorded at or after `since`.
pub fn recorded_since(since: Instant) -> Option<String> {
    LAST_SHORTAGE.since(since)
}

/// An error message with advice for a shortage.
pub fn message(shortage: &str) -> String {
    format!(
        "this machine has too few resources left for the suite ({shortage}): free space, raise its limits \
         (`ulimit -a`), or run fewer scenarios concurrently with --jobs"
    )
}

/// Probes whether descriptors, or the space in one of these folders, are exhausted now.
pub fn detect(folders: &[&Path]) -> Option<String> {
    let descriptors: io::Result<Vec<File>> =
        (0..MIN_FREE_DESCRIPTORS).map(|_| File::open("/")).collect();
    if let Err(error) = descriptors {
        return is_shortage(&error).then(|| error.to_string());
    }
    let is_full = |folder: &&&Path| free_space(folder).is_some_and(|bytes| bytes < MIN_FREE_SPACE);
    let full = folders.iter().find(is_full)?;
    Some(format!("no space is left in {}", full.display()))
}

/// Adds the free space in a folder to the cause of an error, if the space is low.
pub(crate) fn with_free_space(cause: String, folder: &Path) -> String {
    match free_space(folder) {
        Some(free) if free < LOW_FREE_SPACE => format!(
            "{cause} (only {} kB are free in {})",
            free >> 10,
            folder.display()
        ),
        _ => cause,
    }
}

/// The bytes that can still be written in a folder; `None` if it does not exist.
pub(crate) fn free_space(folder: &Path) -> Option<u64> {
    let state = statvfs(folder).ok()?;
    state.blocks_available().checked_mul(state.fragment_size())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("no connection")]
    struct Transport(#[source] io::Error);

    fn system_error(number: i32) -> Transport {
        Transport(io::Error::from_raw_os_error(number))
    }

    #[test]
    fn a_shortage_is_found_among_the_sources_of_an_error_and_has_a_time() {
        let last = LastShortage(Mutex::new(None));
        let before = Instant::now();
        last.record(&system_error(libc::ECONNREFUSED));
        assert_eq!(last.since(before), None);
        last.record(&system_error(libc::EMFILE));
        let shortage = last.since(before).expect("a shortage");
        assert!(shortage.contains("Too many open files"), "{shortage}");
        assert_eq!(last.since(Instant::now()), None);
    }

    #[test]
    fn only_errors_of_exhausted_resources_are_shortages() {
        for number in [
            libc::ECONNREFUSED,
            libc::ECONNRESET,
            libc::EPIPE,
            libc::ETIMEDOUT,
        ] {
            assert!(
                !is_shortage(&io::Error::from_raw_os_error(number)),
                "{number}"
            );
        }
        for number in [
            libc::ENFILE,
            libc::ENOMEM,
            libc::ENOSPC,
            libc::EADDRNOTAVAIL,
        ] {
            assert!(
                is_shortage(&io::Error::from_raw_os_error(number)),
                "{number}"
            );
        }
        // The text may come from the program under test.
        assert!(!is_shortage(&io::Error::other(
            "Too many open files (os error 24)"
        )));
    }

    #[test]
    fn no_shortage_is_detected_on_a_machine_with_free_space() {
        assert_eq!(detect(&[Path::new("/"), Path::new("/not/there")]), None);
        assert_eq!(free_space(Path::new("/not/there")), None);
    }
}
