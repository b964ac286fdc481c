//! The one folder that holds all of a run's files.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Before the id in the name of each folder of a run.
const PREFIX: &str = "conformance-";

/// Whether a folder is one of a run, by its name.
pub(super) fn is_run_name(name: &OsStr) -> bool {
    let id = name.to_str().and_then(|it| it.strip_prefix(PREFIX));
    id.is_some_and(|it| it.len() == 16 && it.bytes().all(|it| it.is_ascii_hexdigit()))
}

/// The folder of one run; clones share it. The watchdog removes it.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: Arc<PathBuf>,
    id: Arc<str>,
}

impl RunFolder {
    /// Chooses `conformance-<16 hexadecimal digits>` in the temporary folder.
    ///
    /// It is made by [`Watchdog::start`](super::watchdog::Watchdog::start), which has recorded it before it
    /// is there, or by the first [`Self::sub`]. Fails when there is no working folder.
    pub fn create() -> io::Result<Self> {
        // Absolute: programs with other working folders get this path.
        let parent = std::path::absolute(std::env::temp_dir())?;
        let id = format!("{:016x}", rand::random::<u64>());
        Ok(Self {
            path: Arc::new(parent.join(format!("{PREFIX}{id}"))),
            id: id.into(),
        })
    }

    /// Makes it, unless it is there. Others may pass through it but not list it: PostgreSQL runs as
    /// another user below.
    pub(super) fn make(&self) -> io::Result<()> {
        let path = self.path();
        let made = match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            // Afterwards, for the mode at its making is narrowed by the caller's umask.
            made => {
                made.and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o711)))
            }
        };
        made.map_err(|error| {
            let text = format!(
                "cannot make the folder {}: {error}; set TMPDIR to a folder that can be written",
                path.display()
            );
            io::Error::new(error.kind(), text)
        })
    }

    /// Where it is: an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's id: 16 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A folder inside, made when it is not there.
    pub fn sub(&self, name: &str) -> io::Result<PathBuf> {
        self.make()?;
        let path = self.path.join(name);
        fs::create_dir_all(&path).map_err(|error| {
            let text = format!(
                "cannot make the folder {}: {error}; is there room among the temporary files (TMPDIR)?",
                path.display()
            );
            io::Error::new(error.kind(), text)
        })?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_may_pass_through_but_not_look_around() {
        let folder = RunFolder::create().expect("a name");
        assert!(!folder.path().exists());
        folder.make().expect("a folder");
        let mode = fs::metadata(folder.path())
            .expect("it is there")
            .permissions()
            .mode();
        let inside = folder.sub("inside").expect("a folder inside");
        assert_eq!(folder.sub("inside").expect("the same again"), inside);
        fs::remove_dir_all(folder.path()).expect("to remove it");
        assert_eq!(mode & 0o777, 0o711);
        assert!(folder.path().is_absolute());
        assert!(
            folder
                .path()
                .ends_with(format!("conformance-{}", folder.id()))
        );
        assert_eq!(folder.id().len(), 16);
    }
}
