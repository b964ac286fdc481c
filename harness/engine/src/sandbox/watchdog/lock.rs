//! A file that one run has, and that goes with it.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A locked file; dropping it removes it, still locked, so that no other run loses its own.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    /// Holds the lock, which the kernel takes back when the process ends.
    file: File,
}

impl Lock {
    /// Makes the file, if it is not there, and locks it; nothing when another run has it.
    pub(super) fn make(path: &Path) -> io::Result<Option<Self>> {
        Self::open(
            path,
            File::options().create(true).truncate(false).write(true),
        )
    }

    /// Locks a file that exists and is not locked.
    pub(super) fn take(path: &Path) -> io::Result<Option<Self>> {
        Self::open(path, File::options().read(true))
    }

    /// Makes a file that is locked from the moment that it exists; no other process makes a file at this path.
    pub(super) fn make_locked(path: &Path) -> io::Result<Self> {
        let unseen = path.with_extension("new");
        let file = File::options().create_new(true).write(true).open(&unseen)?;
        file.lock()?;
        fs::rename(&unseen, path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    fn open(path: &Path, how: &fs::OpenOptions) -> io::Result<Option<Self>> {
        let file = how.open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let lock = Self {
            path: path.to_owned(),
            file,
        };
        // Between opening and locking, its last owner may have removed it: then it locks nothing.
        Ok(lock.is_the_file_at_its_path().then_some(lock))
    }

    fn is_the_file_at_its_path(&self) -> bool {
        let at_path = fs::metadata(&self.path);
        let own = self.file.metadata();
        at_path.is_ok_and(|at_path| {
            own.is_ok_and(|own| (own.dev(), own.ino()) == (at_path.dev(), at_path.ino()))
        })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_the_file_at_its_path() {
            // If it stays, it is an empty file that the next run takes over.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether a process holds the lock; the file stays.
pub(super) fn is_held(path: &Path) -> io::Result<bool> {
    match File::open(path)?.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether an error says that the file is not there, as it should be.
pub(super) fn is_gone(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotFound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("10000");
        (folder, path)
    }

    #[test]
    fn a_file_is_one_run_s_alone_and_goes_with_it() {
        let (_folder, path) = place();
        let lock = Lock::make(&path).expect("to open").expect("to lock");
        assert!(Lock::make(&path).expect("to open").is_none());
        assert!(Lock::take(&path).expect("to open").is_none());
        drop(lock);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_a_dead_run_left_is_taken_over() {
        let (_folder, path) = place();
        fs::write(&path, "").expect("a file");
        assert!(Lock::take(&path).expect("to open").is_some());
        assert!(!path.exists());
    }

    #[test]
    fn a_lock_on_a_removed_file_is_none_and_spares_its_successor() {
        let (_folder, path) = place();
        let lock = Lock::make(&path).expect("to open").expect("to lock");
        fs::remove_file(&path).expect("to remove");
        let successor = Lock::make(&path).expect("to open").expect("to lock");
        assert!(!lock.is_the_file_at_its_path());
        drop(lock);
        assert!(path.exists());
        drop(successor);
        assert!(!path.exists());
    }
}
