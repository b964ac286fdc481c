//! A locked file that one run owns and removes at its end.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A locked file. Dropping it removes the file while it is still locked, so that another run's lock is never removed.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    /// Holds the lock; the kernel releases it when the process ends.
    file: File,
}

impl Lock {
    /// Creates the file, unless it exists, and locks it; `None` if another run holds the lock.
    pub(super) fn create(path: &Path) -> io::Result<Option<Self>> {
        Self::open(
            path,
            File::options().create(true).truncate(false).write(true),
        )
    }

    /// Locks an existing file; `None` if another run holds the lock.
    pub(super) fn lock_existing(path: &Path) -> io::Result<Option<Self>> {
        Self::open(path, File::options().read(true))
    }

    /// Creates a file that is locked from the moment it appears at `path`, where no other process creates one.
    pub(super) fn create_locked(path: &Path) -> io::Result<Self> {
        let temporary = path.with_extension("new");
        let file = File::options()
            .create_new(true)
            .write(true)
            .open(&temporary)?;
        file.lock()?;
        fs::rename(&temporary, path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    fn open(path: &Path, options: &fs::OpenOptions) -> io::Result<Option<Self>> {
        let file = options.open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let lock = Self {
            path: path.to_owned(),
            file,
        };
        // The previous owner may have removed the file between opening and locking: then the lock is worthless.
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
            // If this fails, an empty file remains, which the next run can lock.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether a process holds the lock on a file.
pub(super) fn is_locked(path: &Path) -> io::Result<bool> {
    match File::open(path)?.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether an error means that the file does not exist.
pub(super) fn is_not_found(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotFound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock_path() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("10000");
        (folder, path)
    }

    #[test]
    fn a_file_is_locked_by_one_run_only_and_removed_at_its_end() {
        let (_folder, path) = lock_path();
        let lock = Lock::create(&path).expect("to open").expect("to lock");
        assert!(Lock::create(&path).expect("to open").is_none());
        assert!(Lock::lock_existing(&path).expect("to open").is_none());
        drop(lock);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_left_by_a_killed_run_can_be_locked() {
        let (_folder, path) = lock_path();
        fs::write(&path, "").expect("a file");
        assert!(Lock::lock_existing(&path).expect("to open").is_some());
        assert!(!path.exists());
    }

    #[test]
    fn a_lock_on_a_removed_file_does_not_remove_a_new_file_at_its_path() {
        let (_folder, path) = lock_path();
        let lock = Lock::create(&path).expect("to open").expect("to lock");
        fs::remove_file(&path).expect("to remove");
        let successor = Lock::create(&path).expect("to open").expect("to lock");
        assert!(!lock.is_the_file_at_its_path());
        drop(lock);
        assert!(path.exists());
        drop(successor);
        assert!(!path.exists());
    }
}
