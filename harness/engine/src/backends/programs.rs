//! Programs of servers: the first that is there, whole, and of a version that will do.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::provider::{BackendError, Description};
use super::server::printable;
use crate::sandbox::host::{Host, is_executable, version_numbers};

/// A program that takes longer to print its version is broken.
const VERSION_LIMIT: Duration = Duration::from_secs(10);

/// A program that was found, and asked for its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// As `--version` says: `15.18`.
    pub version: String,
}

impl Program {
    /// The first number of its version.
    pub fn major(&self) -> u32 {
        version_numbers(&self.version).first().copied().unwrap_or(0)
    }
}

/// What is looked for.
pub(super) struct Wanted {
    /// For messages.
    pub(super) backend: &'static Description,
    /// Any of these programs.
    pub(super) names: &'static [&'static str],
    /// What `--version` prints before the version.
    pub(super) mark: &'static str,
    /// The oldest major version that will do.
    pub(super) least: u32,
    /// Programs that must lie beside it.
    pub(super) companions: &'static [&'static str],
}

impl Wanted {
    /// The first program that is whole; that one decides, also by being too old.
    pub(super) fn find(&self, host: &Host) -> Result<Program, BackendError> {
        let backend = self.backend;
        let broken = |why: &str| BackendError::broken(backend, why, backend.remedy());
        let candidates = self.names.iter().flat_map(|it| host.programs(it));
        let mut unfit = Vec::new();
        for path in candidates {
            match self.examine(&path) {
                Ok(program) if program.major() < self.least => {
                    let (path, found, least) = (path.display(), &program.version, self.least);
                    return Err(broken(&format!(
                        "{path} is version {found}, at least {least} is wanted"
                    )));
                }
                Ok(program) => return Ok(program),
                Err(why) => unfit.push(format!("{} {why}", path.display())),
            }
        }
        match unfit.first() {
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

    fn examine(&self, path: &Path) -> Result<Program, String> {
        let said = ask_version(path)?;
        let version = read_version(&said, self.mark)
            .ok_or_else(|| format!("prints no version: `{}`", printable(&said)))?;
        Ok(Program {
            path: self.home_of(path)?,
            version,
        })
    }

    /// The program beside which its companions are: `path` itself, or where its link leads.
    fn home_of(&self, path: &Path) -> Result<PathBuf, String> {
        let complete = |path: &Path| {
            let beside = |it: &&str| is_executable(&path.with_file_name(it));
            self.companions.iter().all(beside)
        };
        // Not always the link's end: Redis looks at the name that it is called by.
        if complete(path) {
            return Ok(path.to_owned());
        }
        let target = path.canonicalize().map_err(|error| error.to_string())?;
        if complete(&target) {
            return Ok(target);
        }
        Err(format!(
            "has no `{}` beside it",
            self.companions.join("`, `")
        ))
    }
}

fn ask_version(program: &Path) -> Result<String, String> {
    let mut child = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let begun = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if begun.elapsed() < VERSION_LIMIT => pause(),
            Ok(None) => {
                // It may have ended just now; either way it is reaped below.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("--version does not end within {VERSION_LIMIT:?}"));
            }
            Err(error) => return Err(format!("cannot be waited for: {error}")),
        }
    };
    let mut said = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout
            .take(4096)
            .read_to_end(&mut said)
            .map_err(|error| format!("cannot be read: {error}"))?;
    }
    if status.success() {
        Ok(String::from_utf8_lossy(&said).into_owned())
    } else {
        Err(format!("--version fails: {status}"))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "std offers no wait with a limit; no step comes here"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(1));
}

fn read_version(said: &str, mark: &str) -> Option<String> {
    let (_, after) = said.split_once(mark)?;
    let end = |it: char| !it.is_ascii_digit() && it != '.';
    let version = after.split(end).next()?.trim_end_matches('.');
    (!version.is_empty()).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    static PRETEND: Description = Description {
        name: "pretend",
        title: "Pretend",
        packages: "pretend-server",
        url_variable: "CONFORMANCE_PRETEND_URL",
        image_variable: "CONFORMANCE_PRETEND_IMAGE",
        images: ["conformance-pretend", "pretend:1"],
    };

    const WANTED: Wanted = Wanted {
        backend: &PRETEND,
        names: &["pretend"],
        mark: "(Pretend) ",
        least: 13,
        companions: &["companion"],
    };

    fn place(folder: &Path, name: &str, script: &str) {
        std::fs::create_dir_all(folder).unwrap();
        // Written by another process: a file that this one holds open while a further test forks
        // cannot be executed.
        let status = Command::new("sh")
            .args([
                "-c",
                r#"printf '#!/bin/sh\n%s\n' "$1" > "$2" && chmod 755 "$2""#,
                "place",
                script,
            ])
            .arg(folder.join(name))
            .status()
            .unwrap();
        assert!(status.success());
    }

    fn find_in(folder: &Path) -> Result<Program, BackendError> {
        let path = folder.to_str().unwrap();
        WANTED.find(&Host::with_variables([("PATH", path)]))
    }

    #[test]
    fn a_program_that_is_nowhere_is_missing_and_the_message_says_what_to_install() {
        let folder = tempfile::tempdir().unwrap();
        let error = find_in(folder.path()).unwrap_err();
        assert!(matches!(error, BackendError::Missing { .. }), "{error:?}");
        assert!(
            error.to_string().contains("apt-get install pretend-server"),
            "{error}"
        );
        assert!(
            error.to_string().contains("CONFORMANCE_PRETEND_URL"),
            "{error}"
        );
    }

    #[test]
    fn a_version_that_is_too_old_is_named_with_the_wanted_one_even_if_there_is_a_newer_one_behind()
    {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        for (folder, version) in [(&old, "9.6.24"), (&new, "17")] {
            place(
                folder,
                "pretend",
                &format!("echo 'pretend (Pretend) {version}'"),
            );
            place(folder, "companion", "");
        }
        let path = std::env::join_paths([&old, &new])
            .unwrap()
            .into_string()
            .unwrap();
        let error = WANTED
            .find(&Host::with_variables([("PATH", path.as_str())]))
            .unwrap_err();
        assert!(matches!(error, BackendError::Broken { .. }), "{error:?}");
        assert!(
            error
                .to_string()
                .contains("is version 9.6.24, at least 13 is wanted"),
            "{error}"
        );
    }

    #[test]
    fn a_program_that_is_not_whole_is_passed_over_for_one_that_is() {
        let folder = tempfile::tempdir().unwrap();
        let (part, whole) = (folder.path().join("part"), folder.path().join("whole"));
        place(&part, "pretend", "echo 'pretend (Pretend) 16.1'");
        place(
            &whole,
            "pretend",
            "echo 'pretend (Pretend) 17beta1 (Debian)'",
        );
        place(&whole, "companion", "");
        let path = std::env::join_paths([&part, &whole])
            .unwrap()
            .into_string()
            .unwrap();
        let found = WANTED
            .find(&Host::with_variables([("PATH", path.as_str())]))
            .unwrap();
        assert_eq!(found.version, "17");
        assert_eq!(found.path, whole.join("pretend"));
        let error = find_in(&part).unwrap_err();
        assert!(
            error.to_string().contains("has no `companion` beside it"),
            "{error}"
        );
    }

    #[test]
    fn a_link_leads_to_the_folder_where_the_companions_are() {
        let folder = tempfile::tempdir().unwrap();
        let (real, linked) = (folder.path().join("real"), folder.path().join("linked"));
        place(&real, "pretend", "echo '(Pretend) 15.18'");
        place(&real, "companion", "");
        std::fs::create_dir(&linked).unwrap();
        std::os::unix::fs::symlink(real.join("pretend"), linked.join("pretend")).unwrap();
        let found = find_in(&linked).unwrap();
        assert_eq!(found.path, real.join("pretend").canonicalize().unwrap());
    }

    #[test]
    fn a_program_that_fails_or_talks_nonsense_is_broken_not_missing() {
        for script in ["exit 3", "echo hello"] {
            let folder = tempfile::tempdir().unwrap();
            place(folder.path(), "pretend", script);
            let error = find_in(folder.path()).unwrap_err();
            assert!(
                matches!(error, BackendError::Broken { .. }),
                "{script}: {error:?}"
            );
        }
    }
}
