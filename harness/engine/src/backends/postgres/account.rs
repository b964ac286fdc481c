//! The user that runs PostgreSQL's server.

use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::{User, geteuid};

use super::server::POSTGRES;
use crate::backends::provider::BackendError;

/// Who runs the server: PostgreSQL refuses to run as root.
pub(super) struct Account(Option<User>);

impl Account {
    /// `postgres`, else `nobody`, if this is root; else the current user.
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

    /// Lets the command run as this account.
    pub(super) fn become_in(&self, command: &mut Command) {
        if let Self(Some(user)) = self {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
    }

    /// Gives the account a file or folder.
    pub(super) fn own(&self, path: &Path) -> Result<(), BackendError> {
        let Self(Some(user)) = self else {
            return Ok(());
        };
        std::os::unix::fs::chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
            .map_err(|error| unwritable(path, &error))
    }

    /// A folder that only this account can enter.
    pub(super) fn make(&self, path: &Path) -> Result<(), BackendError> {
        let made = std::fs::DirBuilder::new().mode(0o700).create(path);
        made.map_err(|error| unwritable(path, &error))?;
        self.own(path)
    }

    /// A file that only this account can read.
    pub(super) fn write(&self, path: &Path, text: &str) -> Result<(), BackendError> {
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        file.and_then(|mut it| std::io::Write::write_all(&mut it, text.as_bytes()))
            .map_err(|error| unwritable(path, &error))?;
        self.own(path)
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

fn unwritable(path: &Path, error: &std::io::Error) -> BackendError {
    let cause = format!("{} cannot be prepared: {error}", path.display());
    BackendError::broken(&POSTGRES, cause, "set TMPDIR to a folder with room for it")
}
