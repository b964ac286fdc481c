//! What to start, and errors of starting it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use nix::libc;

/// Program, arguments, working folder and environment of a process.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Name in messages: `user-service #1`.
    pub name: String,
    /// The program: a path, or a name that is looked up in the `PATH` of `env`.
    pub program: PathBuf,
    /// The arguments.
    pub args: Vec<String>,
    /// The working folder.
    pub dir: PathBuf,
    /// The complete environment: no other variables are inherited.
    pub env: BTreeMap<String, String>,
}

/// Error of starting a program: its name, the cause, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {name}: {program}: {cause}")]
pub struct StartError {
    /// [`Launch::name`].
    pub name: String,
    /// [`Launch::program`].
    pub program: String,
    /// The cause, with advice.
    pub cause: StartCause,
}

/// Why a program could not be started. Each message contains advice.
#[derive(Debug, thiserror::Error)]
pub enum StartCause {
    /// The file does not exist.
    #[error(
        "there is no such program; check `command` in the manifest: a path is relative to the manifest, a name without `/` is looked up in PATH; was it built?"
    )]
    NotFound,
    /// The file exists, but its interpreter or dynamic loader does not.
    #[error(
        "the file exists, but its interpreter or loader does not; check the interpreter in a script's first line (#!), or that the program was built for this system's libraries"
    )]
    NoInterpreter,
    /// The file is not executable.
    #[error(
        "it is not executable ({0}); make it executable with `chmod +x`, and check the permissions of its parent folders"
    )]
    NotExecutable(io::Error),
    /// The path is a folder.
    #[error("it is a folder; set `command` in the manifest to the program in it")]
    Folder,
    /// The file's content is not a program.
    #[error(
        "it is not a program for this machine ({0}); check its architecture; a script needs a first line such as #!/bin/sh"
    )]
    NotAProgram(io::Error),
    /// The working folder does not exist.
    #[error("its working folder {} does not exist; create it, or move the manifest", .0.display())]
    NoWorkingFolder(PathBuf),
    /// The file is open for writing.
    #[error("it is open for writing ({0}); wait until its build has ended")]
    Busy(io::Error),
    /// The machine has no more processes, memory or file descriptors.
    #[error(
        "{0}; run fewer scenarios concurrently with --jobs, or raise the machine's limits (`ulimit -a`)"
    )]
    Exhausted(io::Error),
    /// Any other error.
    #[error("{0}; check `command` in the manifest by running it by hand")]
    Other(io::Error),
}

impl Launch {
    /// Checks that the program exists and is an executable file, and that the interpreter in its first line exists.
    pub fn check(&self) -> Result<(), StartError> {
        let result = self.find().and_then(|program| check(&program));
        result.map_err(|error| StartError::new(self, error))
    }

    /// The program's path; a name without `/` is looked up in the `PATH` of [`Self::env`].
    fn find(&self) -> io::Result<PathBuf> {
        if self.program.components().count() > 1 || self.program.is_absolute() {
            return Ok(self.dir.join(&self.program));
        }
        let path = self.env.get("PATH").map_or("", String::as_str);
        let mut candidates = std::env::split_paths(path).map(|folder| folder.join(&self.program));
        candidates
            .find(|candidate| candidate.is_file())
            .ok_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))
    }
}

/// Fails with the error code that the kernel would return.
fn check(program: &Path) -> io::Result<()> {
    let metadata = program.metadata()?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
        return Err(io::Error::from_raw_os_error(libc::EACCES));
    }
    let Ok(mut file) = File::open(program) else {
        // A program may be executable without being readable.
        return Ok(());
    };
    let mut start = [0; 256];
    let length = file.read(&mut start)?;
    let Some(line) = start[..length].strip_prefix(b"#!") else {
        return Ok(());
    };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
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
            // The error code does not show which file is missing.
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
