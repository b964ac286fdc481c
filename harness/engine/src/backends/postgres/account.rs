//! The system user that runs the PostgreSQL server.

use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::{User, geteuid};

use super::server::POSTGRES;
use crate::backends::provider::BackendError;

/// The system user that runs the server; `None` inside means the current user. PostgreSQL refuses to run as root.
pub(super) struct Account(Option<User>);

impl Account {
    /// If the suite runs as root, the user `postgres`, else `nobody`; otherwise the current user.
    pub(super) fn choose() -> Result<Self, BackendError> {
        if !geteuid().is_root() {
            return Ok(Self(None));
        }
        let named = |name| User::from_name(name).ok().flatten();
        let user = named("postgres").or_else(|| named("nobody"));
        let user = user.filter(|it| !it.uid.is_root());
        let missing = || {
            let cause =
                "its server does not run as root, and there is no user `postgres` or `nobody`";
            BackendError::broken(&POSTGRES, cause, "run the suite as another user")
        };
        Ok(Self(Some(user.ok_or_else(missing)?)))
    }

    /// Makes a command run as this account.
    pub(super) fn apply_to(&self, command: &mut Command) {
        if let Self(Some(user)) = self {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
    }

    /// Makes the account the owner of a file or folder.
    pub(super) fn chown(&self, path: &Path) -> Result<(), BackendError> {
        let Self(Some(user)) = self else {
            return Ok(());
        };
        std::os::unix::fs::chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
            .map_err(|error| cannot_prepare(path, &error))
    }

    /// Creates a folder that only this account can enter.
    pub(super) fn create_folder(&self, path: &Path) -> Result<(), BackendError> {
        let created = std::fs::DirBuilder::new().mode(0o700).create(path);
        created.map_err(|error| cannot_prepare(path, &error))?;
        self.chown(path)
    }

    /// Creates a file that only this account can read.
    pub(super) fn write_file(&self, path: &Path, text: &str) -> Result<(), BackendError> {
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
            .map_err(|error| cannot_prepare(path, &error))?;
        self.chown(path)
    }
}

impl std::fmt::Display for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(user) => write!(f, "`{}`", user.name),
            None => f.write_str("the suite's user"),
        }
    }
}

fn cannot_prepare(path: &Path, error: &std::io::Error) -> BackendError {
    let cause = format!("{} cannot be prepared: {error}", path.display());
    BackendError::broken(
        &POSTGRES,
        cause,
        "set TMPDIR to a folder with enough free space",
    )
}
