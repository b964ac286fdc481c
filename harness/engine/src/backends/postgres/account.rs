//! The system user that runs the PostgreSQL server.

use std::fs::Metadata;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::libc;
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
            .map_err(|error| self.chown_error(path, &error))
    }

    /// The error of a failed chown, with advice that fits its cause.
    fn chown_error(&self, path: &Path, error: &std::io::Error) -> BackendError {
        let cause = format!("{} cannot be given to {self}: {error}", path.display());
        let advice = match error.raw_os_error() {
            Some(libc::EINVAL) => {
                "this user namespace does not have that user: map all users into it (`podman unshare`, \
                 `unshare --map-auto`), or run the suite outside of it"
            }
            Some(libc::EPERM) => {
                "this root user may not change owners (capability CHOWN): run the suite as another user"
            }
            _ => "set TMPDIR to a folder with enough free space",
        };
        BackendError::broken(&POSTGRES, cause, advice)
    }

    /// Replaces an error of the server by its cause if the account cannot reach one of these paths.
    pub(super) fn explain(&self, error: BackendError, paths: &[&Path]) -> BackendError {
        let Some(cause) = paths.iter().find_map(|path| self.access_problem(path)) else {
            return error;
        };
        let advice = "let every user enter it (`chmod o+x`), set TMPDIR to a folder that every user can enter, \
                      or run the suite as another user than root";
        BackendError::broken(&POSTGRES, cause, advice)
    }

    /// Names the first parent folder of a path that the account cannot enter; `None` if it can enter all.
    fn access_problem(&self, path: &Path) -> Option<String> {
        let Self(Some(user)) = self else {
            return None;
        };
        let mut folders: Vec<&Path> = path.ancestors().skip(1).collect();
        folders.reverse();
        folders.into_iter().find_map(|folder| {
            let metadata = folder.metadata().ok()?;
            let (mode, name) = (metadata.mode() & 0o7777, folder.display());
            let cause = format!(
                "its server runs as {self}, and that user cannot enter the folder {name} (mode {mode:04o})"
            );
            (!may_enter(&metadata, user)).then_some(cause)
        })
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

/// Whether a folder's mode lets a user enter it. The server has no supplementary groups.
fn may_enter(folder: &Metadata, user: &User) -> bool {
    let bit = if folder.uid() == user.uid.as_raw() {
        0o100
    } else if folder.gid() == user.gid.as_raw() {
        0o010
    } else {
        0o001
    };
    folder.mode() & bit != 0
}

fn cannot_prepare(path: &Path, error: &std::io::Error) -> BackendError {
    let cause = format!("{} cannot be prepared: {error}", path.display());
    BackendError::broken(
        &POSTGRES,
        cause,
        "set TMPDIR to a folder with enough free space",
    )
}
