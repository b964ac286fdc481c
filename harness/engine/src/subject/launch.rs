//! What is started, and why it was not.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use nix::libc;

/// What to start.
#[derive(Clone, Debug)]
pub struct Launch {
    /// For messages: `user-service #1`.
    pub name: String,
    /// A path, or a name that is looked up in the `PATH` of `env`.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its working folder.
    pub dir: PathBuf,
    /// Its whole environment: nothing else is passed.
    pub env: BTreeMap<String, String>,
}

/// Why a program did not start: what was to be started, the cause, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {name}: {program}: {cause}")]
pub struct StartError {
    /// [`Launch::name`].
    pub name: String,
    /// [`Launch::program`].
    pub program: String,
    /// The cause, and what to do.
    pub cause: StartCause,
}

/// The cause for which a program did not start; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartCause {
    /// There is no such file.
    #[error(
        "there is no such program; check `command` in the manifest: a path is relative to the manifest, a name without `/` is looked up in PATH; was it built?"
    )]
    NotFound,
    /// The file is there, but what must run it is not.
    #[error(
        "the file is there, but not what runs it; check the interpreter in a script's first line (#!), or that the program was built for this system's libraries"
    )]
    NoInterpreter,
    /// It may not be executed.
    #[error(
        "it may not be executed ({0}); make it executable with `chmod +x`, and check the folders above it"
    )]
    NotExecutable(io::Error),
    /// It is a folder.
    #[error("it is a folder; name the program in it by `command` in the manifest")]
    Folder,
    /// Its content is no program.
    #[error(
        "it is no program for this machine ({0}); check its architecture; a script needs a first line such as #!/bin/sh"
    )]
    NotAProgram(io::Error),
    /// The folder to start it in is not there.
    #[error("its working folder {} is not there; make it, or move the manifest", .0.display())]
    NoWorkingFolder(PathBuf),
    /// It is being written.
    #[error("it is being written ({0}); wait until its build has ended")]
    Busy(io::Error),
    /// The machine has no more processes, memory or file descriptors for it.
    #[error(
        "{0}; run fewer scenarios at once with --jobs, or raise the machine's limits (`ulimit -a`)"
    )]
    Exhausted(io::Error),
    /// Anything else.
    #[error("{0}; check `command` in the manifest by starting it by hand")]
    Other(io::Error),
}

impl Launch {
    /// Whether the program can be started at all: it is there, it is a file, it may be executed, and so may the
    /// interpreter that its first line names.
    pub fn check(&self) -> Result<(), StartError> {
        let checked = self.find().and_then(|program| check(&program));
        checked.map_err(|error| StartError::new(self, error))
    }

    /// The program's path; a name without `/` is looked up in the `PATH` of its own environment.
    fn find(&self) -> io::Result<PathBuf> {
        if self.program.components().count() > 1 || self.program.is_absolute() {
            return Ok(self.dir.join(&self.program));
        }
        let path = self.env.get("PATH").map_or("", String::as_str);
        let mut found = std::env::split_paths(path).map(|it| it.join(&self.program));
        found
            .find(|it| it.is_file())
            .ok_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))
    }
}

/// Fails as the kernel would.
fn check(program: &Path) -> io::Result<()> {
    let metadata = program.metadata()?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
        return Err(io::Error::from_raw_os_error(libc::EACCES));
    }
    let Ok(mut file) = File::open(program) else {
        // It may be executed without being readable.
        return Ok(());
    };
    let mut start = [0; 256];
    let length = file.read(&mut start)?;
    let Some(line) = start[..length].strip_prefix(b"#!") else {
        return Ok(());
    };
    let line = line.split(|it| *it == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    match line.split_whitespace().next() {
        Some(interpreter) if !Path::new(interpreter).exists() => {
            Err(io::Error::from_raw_os_error(libc::ENOENT))
        }
        _ => Ok(()),
    }
}

impl StartError {
    pub(super) fn new(launch: &Launch, error: io::Error) -> Self {
        Self {
            name: launch.name.clone(),
            program: launch.program.display().to_string(),
            cause: StartCause::new(launch, error),
        }
    }
}

impl StartCause {
    fn new(launch: &Launch, error: io::Error) -> Self {
        let program = if launch.program.is_absolute() {
            launch.program.clone()
        } else {
            launch.dir.join(&launch.program)
        };
        match error.raw_os_error() {
            // The kernel says no more than that something is missing.
            Some(libc::ENOENT | libc::ENOTDIR) if !launch.dir.is_dir() => {
                Self::NoWorkingFolder(launch.dir.clone())
            }
            Some(libc::ENOENT) if program.is_file() => Self::NoInterpreter,
            Some(libc::ENOENT | libc::ENOTDIR) => Self::NotFound,
            Some(libc::EACCES) if program.is_dir() => Self::Folder,
            Some(libc::EACCES | libc::EPERM) => Self::NotExecutable(error),
            Some(libc::ENOEXEC) => Self::NotAProgram(error),
            Some(libc::ETXTBSY) => Self::Busy(error),
            Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE) => {
                Self::Exhausted(error)
            }
            _ => Self::Other(error),
        }
    }
}
