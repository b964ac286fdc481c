//! Static facts about backends, their providers, and errors.

use std::error::Error;
use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Static facts about a kind of backend, independent of its provider.
#[derive(Debug, PartialEq, Eq)]
pub struct Description {
    /// Key in `verdict.json`, and name of the subfolder in the run's folder: `postgres`.
    pub name: &'static str,
    /// Name in messages: `PostgreSQL`.
    pub title: &'static str,
    /// Debian packages that contain the server's programs; empty if there is none, and `ci/setup` builds them.
    pub packages: &'static str,
    /// The variable with the URL of an external server.
    pub url_variable: &'static str,
    /// The variable that overrides the container image.
    pub image_variable: &'static str,
    /// Names of the image that `ci/images` builds and of the official image.
    pub images: [&'static str; 2],
}

impl Description {
    /// Advice for a machine without the backend.
    pub fn remedy(&self) -> String {
        let install = match self.packages {
            "" => {
                "build it (`ci/setup`, which needs Go) or put a release of it into PATH".to_owned()
            }
            packages => {
                format!("install it (`apt-get install {packages}`, or the package of your system)")
            }
        };
        format!(
            "{install}, start a container engine, or set {} to the URL of a server that only the suite uses",
            self.url_variable
        )
    }
}

impl Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title)
    }
}

/// The kind of provider that a backend comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// A program of this machine, started by the suite.
    Process,
    /// A container, started by the suite.
    Container,
    /// A server that already runs, whose URL is in a variable.
    External,
}

impl ProviderKind {
    /// The name in reports: `process`.
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
    /// A process, even if a URL variable is set.
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
            other => Err(format!(
                "unknown provider `{other}`; allowed: auto, process, container"
            )),
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

/// Provider and version of a running backend, for the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendInfo {
    /// The provider that started or reached the backend.
    pub provider: ProviderKind,
    /// The version that the server reports: `15.18`.
    pub version: String,
}

/// Error of finding, starting or reaching a backend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// This machine lacks the backend: scenarios that need it are not run.
    #[error("{backend} is missing: {what_to_install}")]
    Missing {
        /// The backend.
        backend: &'static Description,
        /// What was searched for, and what to install.
        what_to_install: String,
    },
    /// The backend is present but does not work: the suite cannot judge.
    #[error("{backend} does not work: {cause}; {advice}")]
    Broken {
        /// The backend.
        backend: &'static Description,
        /// What happened.
        cause: String,
        /// What to do, with the end of the server's log if there is one.
        advice: String,
    },
}

impl BackendError {
    /// An error of a backend that is present but does not work.
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

    /// The backend that the error is about.
    pub fn backend(&self) -> &'static Description {
        match self {
            Self::Missing { backend, .. } | Self::Broken { backend, .. } => backend,
        }
    }
}

/// A missing backend becomes [`Failure::Missing`], one that does not work [`Failure::Broken`].
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

/// The message of an error followed by those of its sources, where libraries put the cause.
pub(super) fn error_chain(error: &dyn Error) -> String {
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
    fn an_error_is_shown_with_its_sources() {
        let inner = std::io::Error::other("refused");
        let outer = BackendErrorForTest(inner);
        assert_eq!(error_chain(&outer), "cannot connect: refused");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot connect")]
    struct BackendErrorForTest(#[source] std::io::Error);
}
