//! The targets that a server scrapes: a folder with a file for each, which the server watches.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The label by which the series of a target are found.
pub const TARGET_LABEL: &str = "conformance";

/// The folder of the targets.
#[derive(Clone, Debug)]
pub(super) struct Targets {
    folder: PathBuf,
    /// The name of this machine for a server elsewhere; else targets are addresses.
    host: Option<&'static str>,
}

/// A target; dropping it ends its scrapes.
#[derive(Debug)]
pub struct Target {
    file: PathBuf,
    /// The value of its label [`TARGET_LABEL`].
    name: String,
}

impl Targets {
    /// The targets in a folder that exists.
    pub(super) fn new(folder: &Path, host: Option<&'static str>) -> Self {
        Self {
            folder: folder.to_owned(),
            host,
        }
    }

    /// Adds a target, under a name of its own.
    pub(super) fn add(&self, address: SocketAddr) -> std::io::Result<Target> {
        let name = uuid::Uuid::new_v4().simple().to_string();
        let host = self.host.map_or(address.ip().to_string(), str::to_owned);
        let content = serde_json::json!([{
            "targets": [format!("{host}:{}", address.port())],
            "labels": {TARGET_LABEL: name},
        }]);
        // The server must not read half a file.
        let hidden = self.folder.join(format!("{name}.part"));
        let file = self.folder.join(format!("{name}.json"));
        std::fs::write(&hidden, content.to_string())?;
        std::fs::rename(&hidden, &file)?;
        Ok(Target { file, name })
    }
}

impl Target {
    /// The value of the label by which its series are found.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // The folder may be gone with the run's.
        let _ = std::fs::remove_file(&self.file);
    }
}
