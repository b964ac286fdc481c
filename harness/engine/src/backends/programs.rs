//! Finds a server's program: the first complete installation decides, and must be new enough.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::provider::{BackendError, Description};
use super::server::printable;
use crate::sandbox::host::{Host, is_executable, version_numbers};

/// Timeout of `PROGRAM --version`; a slower program counts as broken.
const VERSION_TIMEOUT: Duration = Duration::from_secs(10);

/// A server program and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Path of the program.
    pub path: PathBuf,
    /// The version that `--version` prints: `15.18`.
    pub version: String,
}

impl Program {
    /// The major version: 15 of `15.18`.
    pub fn major(&self) -> u32 {
        version_numbers(&self.version).first().copied().unwrap_or(0)
    }
}

/// Which program to search for, and its requirements.
pub(super) struct ProgramQuery {
    /// The backend that needs the program, for messages.
    pub(super) backend: &'static Description,
    /// Alternative names of the program.
    pub(super) names: &'static [&'static str],
    /// The text before the version in the output of `--version`.
    pub(super) version_prefix: &'static str,
    /// The oldest major version that is supported.
    pub(super) min_version: u32,
    /// Programs that must be in the same folder.
    pub(super) companions: &'static [&'static str],
}

impl ProgramQuery {
    /// Returns the first program with all companions. If that one is too old, later ones are not tried.
    pub(super) fn find(&self, host: &Host) -> Result<Program, BackendError> {
        self.find_by(host, "--version")
    }

    /// The same with another argument that makes the program print its version.
    pub(super) fn find_by(&self, host: &Host, argument: &str) -> Result<Program, BackendError> {
        let backend = self.backend;
        let broken = |why: &str| BackendError::broken(backend, why, backend.remedy());
        let candidates = self.names.iter().flat_map(|name| host.programs(name));
        let mut rejected = Vec::new();
        for path in candidates {
            match self.examine(&path, argument) {
                Ok(program) if program.major() < self.min_version => {
                    let (path, found, min) = (path.display(), &program.version, self.min_version);
                    return Err(broken(&format!(
                        "{path} is version {found}, at least {min} is required"
                    )));
                }
                Ok(program) => return Ok(program),
                Err(why) => rejected.push(format!("{} {why}", path.display())),
            }
        }
        match rejected.first() {
            Some(why) => Err(broken(why)),
            None => Err(BackendError::Missing {
                backend,
                what_to_install: format!(
                    "no `{}` in PATH or in the usual folders; {}",
                    self.names.join("` or `"),
                    backend.remedy()
                ),
            }),
        }
    }

    fn examine(&self, path: &Path, argument: &str) -> Result<Program, String> {
        let output = version_output(path, argument)?;
        let version = parse_version(&output, self.version_prefix)
            .ok_or_else(|| format!("prints no version: `{}`", printable(&output)))?;
        Ok(Program {
            path: self.path_with_companions(path)?,
            version,
        })
    }

    /// The path that has the companions in its folder: `path` itself, or the target of the symbolic link.
    fn path_with_companions(&self, path: &Path) -> Result<PathBuf, String> {
        let is_complete = |path: &Path| {
            let exists = |name: &&str| is_executable(&path.with_file_name(name));
            self.companions.iter().all(exists)
        };
        // The link itself is preferred: Redis behaves differently depending on the name it is started by.
        if is_complete(path) {
            return Ok(path.to_owned());
        }
        let target = path.canonicalize().map_err(|error| error.to_string())?;
        if is_complete(&target) {
            return Ok(target);
        }
        Err(format!(
            "has no `{}` in the same folder",
            self.companions.join("`, `")
        ))
    }
}

/// The output of the program with this argument.
fn version_output(program: &Path, argument: &str) -> Result<String, String> {
    let mut child = Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let started = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < VERSION_TIMEOUT => pause(),
            Ok(None) => {
                // It fails if the program has just ended; it is reaped below either way.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!(
                    "{argument} does not end within {VERSION_TIMEOUT:?}"
                ));
            }
            Err(error) => return Err(format!("cannot be waited for: {error}")),
        }
    };
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout
            .take(4096)
            .read_to_end(&mut output)
            .map_err(|error| format!("cannot be read: {error}"))?;
    }
    if status.success() {
        Ok(String::from_utf8_lossy(&output).into_owned())
    } else {
        Err(format!("{argument} fails: {status}"))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "std has no wait with a timeout; no step runs this"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(1));
}

/// The version after `prefix` in the output of `--version`.
fn parse_version(output: &str, prefix: &str) -> Option<String> {
    let (_, after) = output.split_once(prefix)?;
    let is_end = |character: char| !character.is_ascii_digit() && character != '.';
    let version = after.split(is_end).next()?.trim_end_matches('.');
    (!version.is_empty()).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    static FAKE: Description = Description {
        name: "fake",
        title: "Fake",
        packages: "fake-server",
        url_variable: "CONFORMANCE_FAKE_URL",
        image_variable: "CONFORMANCE_FAKE_IMAGE",
        images: ["conformance-fake", "fake:1"],
    };

    const QUERY: ProgramQuery = ProgramQuery {
        backend: &FAKE,
        names: &["fake"],
        version_prefix: "(Fake) ",
        min_version: 13,
        companions: &["companion"],
    };

    /// Creates a script. Another process writes it: if this process had the file open for writing while
    /// another test forks, executing it would fail with ETXTBSY.
    fn write_script(folder: &Path, name: &str, script: &str) {
        std::fs::create_dir_all(folder).unwrap();
        let status = Command::new("sh")
            .args([
                "-c",
                r#"printf '#!/bin/sh\n%s\n' "$1" > "$2" && chmod 755 "$2""#,
                "sh",
                script,
            ])
            .arg(folder.join(name))
            .status()
            .unwrap();
        assert!(status.success());
    }

    fn find_in(folder: &Path) -> Result<Program, BackendError> {
        let path = folder.to_str().unwrap();
        QUERY.find(&Host::with_variables([("PATH", path)]))
    }

    #[test]
    fn a_program_that_is_not_installed_is_missing_and_the_message_says_what_to_install() {
        let folder = tempfile::tempdir().unwrap();
        let error = find_in(folder.path()).unwrap_err();
        assert!(matches!(error, BackendError::Missing { .. }), "{error:?}");
        assert!(
            error.to_string().contains("apt-get install fake-server"),
            "{error}"
        );
        assert!(
            error.to_string().contains("CONFORMANCE_FAKE_URL"),
            "{error}"
        );
    }

    #[test]
    fn the_first_program_is_refused_if_it_is_too_old_even_if_a_later_one_is_newer() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        for (folder, version) in [(&old, "9.6.24"), (&new, "17")] {
            write_script(folder, "fake", &format!("echo 'fake (Fake) {version}'"));
            write_script(folder, "companion", "");
        }
        let path = std::env::join_paths([&old, &new])
            .unwrap()
            .into_string()
            .unwrap();
        let error = QUERY
            .find(&Host::with_variables([("PATH", path.as_str())]))
            .unwrap_err();
        assert!(matches!(error, BackendError::Broken { .. }), "{error:?}");
        assert!(
            error
                .to_string()
                .contains("is version 9.6.24, at least 13 is required"),
            "{error}"
        );
    }

    #[test]
    fn a_program_without_its_companions_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let (partial, complete) = (
            folder.path().join("partial"),
            folder.path().join("complete"),
        );
        write_script(&partial, "fake", "echo 'fake (Fake) 16.1'");
        write_script(&complete, "fake", "echo 'fake (Fake) 17beta1 (Debian)'");
        write_script(&complete, "companion", "");
        let path = std::env::join_paths([&partial, &complete])
            .unwrap()
            .into_string()
            .unwrap();
        let found = QUERY
            .find(&Host::with_variables([("PATH", path.as_str())]))
            .unwrap();
        assert_eq!(found.version, "17");
        assert_eq!(found.path, complete.join("fake"));
        let error = find_in(&partial).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("has no `companion` in the same folder"),
            "{error}"
        );
    }

    #[test]
    fn a_symbolic_link_is_followed_to_the_folder_of_the_companions() {
        let folder = tempfile::tempdir().unwrap();
        let (real, linked) = (folder.path().join("real"), folder.path().join("linked"));
        write_script(&real, "fake", "echo '(Fake) 15.18'");
        write_script(&real, "companion", "");
        std::fs::create_dir(&linked).unwrap();
        std::os::unix::fs::symlink(real.join("fake"), linked.join("fake")).unwrap();
        let found = find_in(&linked).unwrap();
        assert_eq!(found.path, real.join("fake").canonicalize().unwrap());
    }

    #[test]
    fn a_program_that_fails_or_prints_no_version_is_broken_not_missing() {
        for script in ["exit 3", "echo hello"] {
            let folder = tempfile::tempdir().unwrap();
            write_script(folder.path(), "fake", script);
            let error = find_in(folder.path()).unwrap_err();
            assert!(
                matches!(error, BackendError::Broken { .. }),
                "{script}: {error:?}"
            );
        }
    }
}
