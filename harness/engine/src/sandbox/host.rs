//! Environment variables and programs of this machine, in PATH and in the usual folders of distributions.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Folders outside PATH where distributions install servers; `*` stands for a version.
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

/// The variables and folders that are searched for backends.
#[derive(Clone)]
pub struct Host {
    variables: BTreeMap<String, String>,
    usual_folders: Vec<String>,
    may_use_engine: bool,
}

impl Host {
    /// The variables of this process and the usual folders. Variables that are not valid UTF-8 are left out.
    pub fn local() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let variables: BTreeMap<String, String> = std::env::vars_os().filter_map(text).collect();
        let usual_folders = USUAL_FOLDERS.iter().map(|folder| (*folder).to_owned());
        let usual_folders = usual_folders.chain(built_programs(&variables)).collect();
        Self {
            variables,
            usual_folders,
            may_use_engine: true,
        }
    }

    /// A host with only these variables: no usual folders, and no container engine is used.
    pub fn with_variables<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            variables: variables.into_iter().map(owned).collect(),
            usual_folders: Vec::new(),
            may_use_engine: false,
        }
    }

    /// Sets a variable.
    #[cfg(test)]
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Whether the container engine may be used.
    pub(crate) fn may_use_engine(&self) -> bool {
        self.may_use_engine
    }

    /// The value of a variable; `None` if it is unset or empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?;
        (!value.is_empty()).then_some(value)
    }

    /// All executable files with this name, those in PATH first.
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

/// The folder of programs that `ci/setup` builds because no package has them.
fn built_programs(variables: &BTreeMap<String, String>) -> Option<String> {
    let named = |name: &str| variables.get(name).filter(|folder| folder.starts_with('/'));
    let cache = named("XDG_CACHE_HOME").cloned();
    let cache = cache.or_else(|| named("HOME").map(|home| format!("{home}/.cache")))?;
    Some(format!("{cache}/conformance/bin"))
}

/// Shows only the names of variables: values may be secrets.
impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.variables.keys().collect();
        f.debug_struct("Host")
            .field("variables", &names)
            .field("usual_folders", &self.usual_folders)
            .field("may_use_engine", &self.may_use_engine)
            .finish()
    }
}

/// Expands a path with at most one `*` to the existing folders, newest version first.
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
            let numbers = version_numbers(name.strip_prefix(prefix)?);
            Some((numbers, PathBuf::from(format!("{parent}/{name}{after}"))))
        })
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

/// The numbers of a version: 15 and 18 of `15.18`.
pub(crate) fn version_numbers(version: &str) -> Vec<u32> {
    let digits = version.split(|character: char| !character.is_ascii_digit());
    digits.filter_map(|number| number.parse().ok()).collect()
}

/// Whether the path is an executable file.
pub(crate) fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_with_a_version_are_expanded_newest_first() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["9.6", "15", "16"] {
            std::fs::create_dir_all(folder.path().join(version).join("bin")).unwrap();
        }
        let root = folder.path().display();
        let expected = ["16", "15", "9.6"].map(|it| PathBuf::from(format!("{root}/{it}/bin")));
        assert_eq!(expand(&format!("{root}/*/bin")), expected);
    }

    #[test]
    fn programs_that_setup_builds_are_in_the_cache_of_the_user() {
        let folder = |pairs: &[(&str, &str)]| {
            let owned = pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            built_programs(&owned.collect())
        };
        let of_home = folder(&[("HOME", "/home/ada"), ("XDG_CACHE_HOME", "")]);
        assert_eq!(of_home.as_deref(), Some("/home/ada/.cache/conformance/bin"));
        let of_cache = folder(&[("HOME", "/home/ada"), ("XDG_CACHE_HOME", "/cache")]);
        assert_eq!(of_cache.as_deref(), Some("/cache/conformance/bin"));
        assert_eq!(folder(&[]), None);
    }

    #[test]
    fn values_of_variables_are_not_shown() {
        let host = Host::with_variables([("CONFORMANCE_REDIS_URL", "redis://:secret@there")]);
        assert!(!format!("{host:?}").contains("secret"));
    }
}
