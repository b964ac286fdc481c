//! What the machine offers: variables, and programs in PATH and the distributions' usual folders.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::provider::{Backend, BackendError};

/// Where distributions put servers without putting them into PATH; `*` stands for a version.
const USUAL_FOLDERS: &[&str] = &[
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/usr/libexec/postgresql*",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/opt/homebrew/bin",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
];

/// A program that takes longer to tell its version is broken.
const VERSION_LIMIT: Duration = Duration::from_secs(10);

/// The variables and folders in which backends are looked for.
#[derive(Clone)]
pub struct Surroundings {
    variables: BTreeMap<String, String>,
    usual_folders: Vec<String>,
}

impl Surroundings {
    /// Those of this process; what is not UTF-8 is left out.
    pub fn here() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            variables: std::env::vars_os().filter_map(text).collect(),
            usual_folders: USUAL_FOLDERS.iter().map(|it| (*it).to_owned()).collect(),
        }
    }

    /// These variables and nothing else: no usual folder is looked into.
    pub fn bare<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            variables: variables.into_iter().map(owned).collect(),
            usual_folders: Vec::new(),
        }
    }

    /// A variable's value; an empty one counts as unset.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?;
        (!value.is_empty()).then_some(value)
    }

    /// Every executable file of this name: those in PATH first.
    pub fn programs(&self, name: &str) -> Vec<PathBuf> {
        let path = self.variable("PATH").unwrap_or_default();
        let in_path = std::env::split_paths(path).filter(|it| it.is_absolute());
        let usual = self.usual_folders.iter().flat_map(|it| expand(it));
        let mut found: Vec<PathBuf> = Vec::new();
        for folder in in_path.chain(usual) {
            let program = folder.join(name);
            if is_executable(&program) && !found.contains(&program) {
                found.push(program);
            }
        }
        found
    }
}

/// The names only: values may be secrets.
impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.variables.keys().collect();
        f.debug_struct("Surroundings")
            .field("variables", &names)
            .field("usual_folders", &self.usual_folders)
            .finish()
    }
}

/// The folders that a pattern with at most one `*` in one part stands for, newest version first.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![PathBuf::from(pattern)];
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = std::fs::read_dir(format!("{parent}/")) else {
        return Vec::new();
    };
    let mut versions: Vec<(Vec<u32>, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let numbers = numbers(name.strip_prefix(prefix)?);
            Some((numbers, PathBuf::from(format!("{parent}/{name}{after}"))))
        })
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

fn numbers(version: &str) -> Vec<u32> {
    let digits = version.split(|it: char| !it.is_ascii_digit());
    digits.filter_map(|it| it.parse().ok()).collect()
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

/// A program that was found, and asked for its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// Where it is.
    pub(super) path: PathBuf,
    /// As `--version` says: `15.18`.
    pub(super) version: String,
}

impl Program {
    /// The first number of its version.
    pub(super) fn major(&self) -> u32 {
        numbers(&self.version).first().copied().unwrap_or(0)
    }
}

/// What is looked for.
pub(super) struct Wanted {
    /// For messages.
    pub(super) backend: Backend,
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
    /// The first program that will do; too old or broken ones are told of only if there is no other.
    pub(super) fn find(&self, surroundings: &Surroundings) -> Result<Program, BackendError> {
        let candidates: Vec<_> = self
            .names
            .iter()
            .flat_map(|it| surroundings.programs(it))
            .collect();
        let mut unfit = Vec::new();
        for path in candidates {
            match self.examine(&path) {
                Ok(program) => return Ok(program),
                Err(why) => unfit.push(format!("{} {why}", path.display())),
            }
        }
        let backend = self.backend;
        if let [first, ..] = unfit.as_slice() {
            return Err(BackendError::broken(backend, first, backend.remedy()));
        }
        Err(BackendError::Missing {
            backend,
            what_to_install: format!(
                "no `{}` in PATH or in the usual folders; {}",
                self.names.join("` or `"),
                backend.remedy()
            ),
        })
    }

    fn examine(&self, path: &Path) -> Result<Program, String> {
        let said = ask_version(path)?;
        let version = read_version(&said, self.mark)
            .ok_or_else(|| format!("does not tell its version: `{}`", said.trim()))?;
        let mut program = Program {
            path: path.to_owned(),
            version,
        };
        if program.major() < self.least {
            let found = &program.version;
            return Err(format!(
                "is version {found}, at least {} is wanted",
                self.least
            ));
        }
        program.path = self.home_of(path)?;
        Ok(program)
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

    const WANTED: Wanted = Wanted {
        backend: Backend::Postgres,
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
        WANTED.find(&Surroundings::bare([("PATH", path)]))
    }

    #[test]
    fn a_program_that_is_nowhere_is_missing_and_the_message_says_what_to_install() {
        let folder = tempfile::tempdir().unwrap();
        let error = find_in(folder.path()).unwrap_err();
        assert!(matches!(error, BackendError::Missing { .. }), "{error:?}");
        assert!(
            error.to_string().contains("apt-get install postgresql"),
            "{error}"
        );
        assert!(
            error.to_string().contains("CONFORMANCE_POSTGRES_URL"),
            "{error}"
        );
    }

    #[test]
    fn a_version_that_is_too_old_is_named_with_the_wanted_one() {
        let folder = tempfile::tempdir().unwrap();
        place(folder.path(), "pretend", "echo 'pretend (Pretend) 9.6.24'");
        let error = find_in(folder.path()).unwrap_err();
        assert!(matches!(error, BackendError::Broken { .. }), "{error:?}");
        assert!(
            error
                .to_string()
                .contains("is version 9.6.24, at least 13 is wanted"),
            "{error}"
        );
    }

    #[test]
    fn a_newer_version_elsewhere_is_taken_instead_of_an_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        place(&old, "pretend", "echo 'pretend (Pretend) 12.1'");
        place(&new, "pretend", "echo 'pretend (Pretend) 17beta1 (Debian)'");
        place(&new, "companion", "");
        let path = std::env::join_paths([&old, &new])
            .unwrap()
            .into_string()
            .unwrap();
        let found = WANTED
            .find(&Surroundings::bare([("PATH", path.as_str())]))
            .unwrap();
        assert_eq!(found.version, "17");
        assert_eq!(found.path, new.join("pretend"));
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

    #[test]
    fn usual_folders_are_tried_newest_version_first() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["9.6", "15", "16"] {
            std::fs::create_dir_all(folder.path().join(version).join("bin")).unwrap();
        }
        let root = folder.path().display();
        let expected = ["16", "15", "9.6"].map(|it| PathBuf::from(format!("{root}/{it}/bin")));
        assert_eq!(expand(&format!("{root}/*/bin")), expected);
    }

    #[test]
    fn values_of_variables_are_not_shown() {
        let surroundings = Surroundings::bare([("CONFORMANCE_REDIS_URL", "redis://:secret@there")]);
        assert!(!format!("{surroundings:?}").contains("secret"));
    }
}
