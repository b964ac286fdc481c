//! What this machine offers for each backend, for `conformance doctor`.
//!
//! A program is started as a run starts it, in the same place: what keeps it from working there shows.

use std::fmt;

use futures::future::join_all;

use super::backend::{Backend, Route, look};
use super::engine::{Image, engine, place};
use super::provider::{BackendError, Description, ProviderKind};
use super::registry::BACKENDS;
use crate::sandbox::Sandbox;
use crate::sandbox::host::Host;

/// What this machine offers for one backend.
#[derive(Clone, Debug)]
pub struct BackendSurvey {
    /// Which one.
    pub backend: &'static Description,
    /// One for each provider, in the order in which `--backends auto` tries them.
    pub offers: Vec<Offer>,
}

/// What one provider has.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Which provider.
    pub provider: ProviderKind,
    /// What it has.
    pub found: Found,
}

/// What a provider has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It works.
    Ready {
        /// `15.18`.
        version: String,
        /// A program or a variable.
        place: String,
    },
    /// It has nothing, so the next is tried.
    Nothing {
        /// What was looked for, or what to do.
        why: String,
    },
    /// It is there and does not work; nothing else is tried.
    Broken {
        /// What is wrong and what to do.
        why: String,
    },
}

impl BackendSurvey {
    /// Whether a run with `--backends auto` would have this backend.
    pub fn usable(&self) -> bool {
        let decisive = self
            .offers
            .iter()
            .find(|it| !matches!(it.found, Found::Nothing { .. }));
        decisive.is_some_and(|it| matches!(it.found, Found::Ready { .. }))
    }
}

/// A line for the backend, one for each provider, and what to do if there is none.
impl fmt::Display for BackendSurvey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.usable() { "ready" } else { "not usable" };
        write!(f, "{}: {word}", self.backend)?;
        for offer in &self.offers {
            let provider = offer.provider.word();
            match &offer.found {
                Found::Ready { version, place } => {
                    write!(f, "\n  {provider:9}  {version}, {place}")?;
                }
                Found::Nothing { why } => write!(f, "\n  {provider:9}  none: {why}")?,
                Found::Broken { why } => write!(f, "\n  {provider:9}  broken: {why}")?,
            }
        }
        if !self.usable() {
            write!(f, "\n  {}", self.backend.remedy())?;
        }
        Ok(())
    }
}

/// Looks at everything that the sandbox's host offers: servers that variables name are asked, and programs
/// are started in the sandbox and stopped.
pub async fn survey(sandbox: &Sandbox) -> Vec<BackendSurvey> {
    let surveys = BACKENDS.iter().map(|backend| survey_one(*backend, sandbox));
    join_all(surveys).await
}

async fn survey_one(backend: &'static dyn Backend, sandbox: &Sandbox) -> BackendSurvey {
    let description = backend.description();
    let (external, process, container) = futures::join!(
        external(backend, &sandbox.host),
        process(backend, sandbox),
        container(description, &sandbox.host)
    );
    let offer = |provider, found| Offer { provider, found };
    BackendSurvey {
        backend: description,
        offers: vec![
            offer(ProviderKind::External, external),
            offer(ProviderKind::Process, process),
            offer(ProviderKind::Container, container),
        ],
    }
}

/// The server that the backend's variable names.
async fn external(backend: &'static dyn Backend, host: &Host) -> Found {
    let variable = backend.description().url_variable;
    let Some(url) = host.variable(variable) else {
        return Found::Nothing {
            why: format!("{variable} is not set"),
        };
    };
    match backend.examine(url).await {
        Ok(info) => Found::Ready {
            version: info.version,
            place: format!("named by {variable}"),
        },
        Err(error) => lacking(error),
    }
}

/// The program of this machine.
async fn process(backend: &'static dyn Backend, sandbox: &Sandbox) -> Found {
    let program = match look(backend, sandbox.host.clone()).await {
        Ok(program) => program,
        Err(error) => return lacking(error),
    };
    let ready = Found::Ready {
        version: program.version.clone(),
        place: program.path.display().to_string(),
    };
    match backend.start(Route::Process(program), sandbox).await {
        Ok(running) => {
            running.stop().await;
            ready
        }
        Err(error) => lacking(error),
    }
}

/// What a container engine has for a backend; nothing is pulled.
async fn container(backend: &'static Description, host: &Host) -> Found {
    let image = match Image::find(backend, host).await {
        Ok(image) => image,
        Err(error) => return lacking(error),
    };
    let nothing = |why| Found::Nothing { why };
    match engine(host).await {
        Err(error) => nothing(error.to_string()),
        Ok(docker) if image.is_there(&docker).await => Found::Ready {
            version: image.to_string(),
            place: format!("an image of the engine at {}", place(host)),
        },
        Ok(_) => nothing(format!(
            "the engine at {} has no image `{image}`: a run pulls it, `ci/images` builds another, and {} \
             names one",
            place(host),
            backend.image_variable
        )),
    }
}

fn lacking(error: BackendError) -> Found {
    match error {
        BackendError::Missing {
            what_to_install, ..
        } => Found::Nothing {
            why: what_to_install,
        },
        BackendError::Broken { cause, advice, .. } => Found::Broken {
            why: format!("{cause}; {advice}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::TestSandbox;
    use super::*;

    async fn survey_of(host: Host) -> Vec<BackendSurvey> {
        let sandbox = TestSandbox::new(host);
        survey(&sandbox.0).await
    }

    #[tokio::test]
    async fn a_survey_of_a_machine_with_nothing_says_what_to_install() {
        let surveys = survey_of(Host::bare([("PATH", "/nowhere")])).await;
        assert_eq!(surveys.len(), BACKENDS.len());
        for survey in surveys {
            assert!(!survey.usable(), "{survey}");
            let text = survey.to_string();
            assert!(
                text.contains("not usable") && text.contains("apt-get install"),
                "{text}"
            );
            assert!(text.contains(survey.backend.url_variable), "{text}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_named_and_does_not_answer_is_broken_whatever_else_there_is() {
        let host = Host::bare([
            (
                "CONFORMANCE_POSTGRES_URL",
                "postgres://user:secret@127.0.0.1:1/",
            ),
            ("CONFORMANCE_REDIS_URL", "redis://:secret@127.0.0.1:1/"),
        ]);
        for survey in survey_of(host).await {
            assert!(!survey.usable(), "{survey}");
            assert!(
                matches!(survey.offers[0].found, Found::Broken { .. }),
                "{survey}"
            );
            assert!(survey.to_string().contains("127.0.0.1:1"), "{survey}");
            assert!(!survey.to_string().contains("secret"), "{survey}");
        }
    }
}
