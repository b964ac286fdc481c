//! The folder that holds all files of a run.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The part of a run folder's name before the run's id.
const PREFIX: &str = "conformance-";

/// Whether a folder's name is that of a run folder.
pub(super) fn is_run_folder_name(name: &OsStr) -> bool {
    let id = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
    id.is_some_and(|id| id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The folder of one run, removed by its watchdog. Clones refer to the same folder.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: Arc<PathBuf>,
    id: Arc<str>,
}

impl RunFolder {
    /// Chooses the path `conformance-<16 hexadecimal digits>` in the temporary folder, without creating it.
    ///
    /// [`Watchdog::start`](super::watchdog::Watchdog::start) registers the folder for removal and then creates
    /// it; so does the first [`Self::subfolder`]. Fails if there is no current working folder.
    pub fn choose() -> io::Result<Self> {
        // Absolute, because programs with other working folders get this path.
        let parent = std::path::absolute(std::env::temp_dir())?;
        let id = format!("{:016x}", rand::random::<u64>());
        Ok(Self {
            path: Arc::new(parent.join(format!("{PREFIX}{id}"))),
            id: id.into(),
        })
    }

    /// Creates the folder, unless it exists. Other users may traverse it but not list it: PostgreSQL runs
    /// as another user in a subfolder.
    pub(super) fn create(&self) -> io::Result<()> {
        let path = self.path();
        let created = match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            // The mode is set afterwards, because the umask would narrow it at creation.
            created => {
                created.and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o711)))
            }
        };
        created.map_err(|error| {
            let text = format!(
                "cannot create the folder {}: {error}; set TMPDIR to a writable folder",
                path.display()
            );
            io::Error::new(error.kind(), text)
        })
    }

    /// The absolute path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's id: 16 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The path of a subfolder, created if it does not exist.
    pub fn subfolder(&self, name: &str) -> io::Result<PathBuf> {
        self.create()?;
        let path = self.path.join(name);
        fs::create_dir_all(&path).map_err(|error| {
            let text = format!(
                "cannot create the folder {}: {error}; is there free space in the temporary folder (TMPDIR)?",
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
    fn other_users_may_traverse_the_folder_but_not_list_it() {
        let folder = RunFolder::choose().expect("a name");
        assert!(!folder.path().exists());
        folder.create().expect("a folder");
        let mode = fs::metadata(folder.path())
            .expect("it exists")
            .permissions()
            .mode();
        let inside = folder.subfolder("inside").expect("a subfolder");
        assert_eq!(folder.subfolder("inside").expect("the same again"), inside);
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
