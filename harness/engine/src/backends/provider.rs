//! Where a backend comes from, what it turned out to be, and what to do when there is none.

use std::error::Error;
use std::fmt::{self, Display};
use std::str::FromStr;
use std::sync::Arc;

use super::engine::Image;
use crate::sandbox::host::Host;

/// What a backend is, whatever provides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// PostgreSQL.
    Postgres,
    /// Redis.
    Redis,
}

impl Backend {
    /// Its key in `verdict.json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }

    /// The variable that names a server outside of the suite.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "CONFORMANCE_POSTGRES_URL",
            Self::Redis => "CONFORMANCE_REDIS_URL",
        }
    }

    /// The variable that names another image for its container.
    pub fn image_variable(self) -> &'static str {
        match self {
            Self::Postgres => "CONFORMANCE_POSTGRES_IMAGE",
            Self::Redis => "CONFORMANCE_REDIS_IMAGE",
        }
    }

    /// What to do on a machine without it.
    pub(super) fn remedy(self) -> String {
        let packages = match self {
            Self::Postgres => "postgresql",
            Self::Redis => "redis-server",
        };
        format!(
            "install it (`apt-get install {packages}`, or what your system calls it), start a container \
             engine, or set {} to the URL of a server for the suite alone",
            self.variable()
        )
    }
}

impl Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::Redis => "Redis",
        })
    }
}

/// Where a backend comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// A process, whatever variables are set.
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
        backend: Backend,
        /// What was looked for, and what to do.
        what_to_install: String,
    },
    /// It is there and does not work: the suite cannot judge.
    #[error("{backend} does not work: {cause}; {advice}")]
    Broken {
        /// Which one.
        backend: Backend,
        /// What happened, with the end of the server's log where there is one.
        cause: String,
        /// What to do about it.
        advice: String,
    },
}

impl BackendError {
    pub(super) fn broken(
        backend: Backend,
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
    pub fn backend(&self) -> Backend {
        match self {
            Self::Missing { backend, .. } | Self::Broken { backend, .. } => *backend,
        }
    }
}

/// Where a backend is taken from, once decided.
pub(super) enum Route<P> {
    /// The server of this URL.
    External(String),
    /// These programs.
    Process(P),
    /// This image.
    Container(Image),
}

/// How a provider's programs are looked for.
pub(super) type Find<P> = fn(&Host) -> Result<P, BackendError>;

/// Decides where a backend comes from.
pub(super) async fn route<P: Send + 'static>(
    backend: Backend,
    choice: Choice,
    host: &Arc<Host>,
    find: Find<P>,
) -> Result<Route<P>, BackendError> {
    if choice == Choice::Container {
        return Ok(Route::Container(Image::find(backend, host).await?));
    }
    if let (Choice::Auto, Some(url)) = (choice, host.variable(backend.variable())) {
        return Ok(Route::External(url.to_owned()));
    }
    let programs = look(backend, host.clone(), find).await;
    match programs {
        Err(missing @ BackendError::Missing { .. }) if choice == Choice::Auto => {
            match Image::find(backend, host).await {
                Ok(image) => Ok(Route::Container(image)),
                // That there is no engine either says less than which program to install.
                Err(_) => Err(missing),
            }
        }
        programs => programs.map(Route::Process),
    }
}

/// Looking for programs starts some of them: a thread that may wait does it.
async fn look<P: Send + 'static>(
    backend: Backend,
    host: Arc<Host>,
    find: Find<P>,
) -> Result<P, BackendError> {
    tokio::task::spawn_blocking(move || find(&host))
        .await
        .unwrap_or_else(|panic| {
            let advice = "this is a fault of the suite";
            Err(BackendError::broken(backend, panic.to_string(), advice))
        })
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

    async fn routed(choice: Choice, url: &str) -> String {
        let host = Arc::new(Host::bare([("CONFORMANCE_REDIS_URL", url)]));
        match route(Backend::Redis, choice, &host, |_| Ok(())).await {
            Ok(Route::External(url)) => format!("external {url}"),
            Ok(Route::Process(())) => "process".to_owned(),
            Ok(Route::Container(image)) => format!("container {image}"),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn a_variable_that_is_set_wins_over_a_program_unless_processes_are_forced() {
        assert_eq!(
            routed(Choice::Auto, "redis://there").await,
            "external redis://there"
        );
        assert_eq!(routed(Choice::Process, "redis://there").await, "process");
    }

    #[tokio::test]
    async fn an_empty_variable_counts_as_unset() {
        assert_eq!(routed(Choice::Auto, "").await, "process");
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let inner = std::io::Error::other("refused");
        let outer = BackendErrorForTest(inner);
        assert_eq!(chain(&outer), "cannot connect: refused");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot connect")]
    struct BackendErrorForTest(#[source] std::io::Error);
}
