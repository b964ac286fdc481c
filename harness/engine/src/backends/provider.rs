//! What is fixed about a backend, where one may come from, and why there may be none.

use std::error::Error;
use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// What is the same for a backend from every provider.
#[derive(Debug, PartialEq, Eq)]
pub struct Description {
    /// Its key in `verdict.json`, and the name of its folder in the run's: `postgres`.
    pub name: &'static str,
    /// Its name in messages: `PostgreSQL`.
    pub title: &'static str,
    /// The distribution's packages that hold its programs.
    pub packages: &'static str,
    /// The variable that names a server outside of the suite.
    pub url_variable: &'static str,
    /// The variable that names another image for its container.
    pub image_variable: &'static str,
    /// The image that `ci/images` builds, and the official one.
    pub images: [&'static str; 2],
}

impl Description {
    /// What to do on a machine without it.
    pub fn remedy(&self) -> String {
        format!(
            "install it (`apt-get install {}`, or what your system calls it), start a container \
             engine, or set {} to the URL of a server for the suite alone",
            self.packages, self.url_variable
        )
    }
}

impl Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title)
    }
}

/// Where a backend comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// A program of this machine, started by the suite.
    Process,
    /// A container, started by the suite.
    Container,
    /// A server that runs already, named by a variable.
    External,
}

impl ProviderKind {
    /// The word for it in every report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Container => "container",
            Self::External => "external",
        }
    }
}

impl Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Which providers a run may use: `--backends`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// External if its variable is set, else a process, else a container.
    #[default]
    Auto,
    /// A process, even if variables name a server.
    Process,
    /// A container.
    Container,
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "auto" => Ok(Self::Auto),
            "process" => Ok(Self::Process),
            "container" => Ok(Self::Container),
            other => Err(format!("`{other}` is none of auto, process, container")),
        }
    }
}

impl Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Process => "process",
            Self::Container => "container",
        })
    }
}

/// What a backend turned out to be, for the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendInfo {
    /// Where it comes from.
    pub provider: ProviderKind,
    /// As the server itself says: `15.18`.
    pub version: String,
}

/// Why there is no working backend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// This machine does not offer it: what needs it is not run.
    #[error("{backend} is missing: {what_to_install}")]
    Missing {
        /// Which one.
        backend: &'static Description,
        /// What was looked for, and what to do.
        what_to_install: String,
    },
    /// It is there and does not work: the suite cannot judge.
    #[error("{backend} does not work: {cause}; {advice}")]
    Broken {
        /// Which one.
        backend: &'static Description,
        /// What happened, with the end of the server's log where there is one.
        cause: String,
        /// What to do about it.
        advice: String,
    },
}

impl BackendError {
    /// An error of a backend that is there and does not work.
    pub fn broken(
        backend: &'static Description,
        cause: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::Broken {
            backend,
            cause: cause.into(),
            advice: advice.into(),
        }
    }

    /// Which backend it is about.
    pub fn backend(&self) -> &'static Description {
        match self {
            Self::Missing { backend, .. } | Self::Broken { backend, .. } => backend,
        }
    }
}

/// A backend's error as a step's: what is missing is not run, what does not work cannot be judged.
impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::Missing { .. } => Self::Missing {
                reason: error.to_string(),
            },
            BackendError::Broken { .. } => Self::broken(error),
        }
    }
}

/// An error with everything below it: libraries say the cause only in their sources.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_shown_with_its_causes() {
        let inner = std::io::Error::other("refused");
        let outer = BackendErrorForTest(inner);
        assert_eq!(chain(&outer), "cannot connect: refused");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot connect")]
    struct BackendErrorForTest(#[source] std::io::Error);
}
