//! The one folder that holds all of a run's files.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder of one run; clones share it. The watchdog removes it.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: Arc<PathBuf>,
    id: Arc<str>,
}

impl RunFolder {
    /// Makes `conformance-<16 hexadecimal digits>` in the temporary folder.
    ///
    /// Others may pass through it but not list it: PostgreSQL runs as another user below.
    pub fn create() -> io::Result<Self> {
        let id = uuid::Uuid::new_v4().simple().to_string()[..16].to_owned();
        let path = std::env::temp_dir().join(format!("conformance-{id}"));
        fs::create_dir(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o711))?;
        Ok(Self {
            path: Arc::new(path),
            id: id.into(),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What tells this run from all others.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A folder inside, made when it is not there.
    pub fn sub(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        fs::create_dir_all(&path)?;
        Ok(path)
    }
}
