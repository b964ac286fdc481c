//! Which backends this machine has, by provider, for `conformance doctor`.
//!
//! A program is started in the same way and in the same folder as by a run, so that problems of a run show.

use std::fmt;

use futures::future::join_all;

use super::backend::{Backend, Route, find_program};
use super::engine::{Image, connect_engine, engine_address};
use super::provider::{BackendError, Description, ProviderKind};
use super::registry::BACKENDS;
use crate::sandbox::Sandbox;
use crate::sandbox::host::Host;

/// What each provider of this machine offers for one backend.
#[derive(Clone, Debug)]
pub struct BackendSurvey {
    /// The backend.
    pub backend: &'static Description,
    /// One offer for each provider, in the order in which `--backends auto` tries them.
    pub offers: Vec<Offer>,
}

/// What one provider offers.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The provider.
    pub provider: ProviderKind,
    /// Whether the provider has the backend.
    pub availability: Availability,
}

/// Whether a provider has a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// The provider has the backend and it works.
    Ready {
        /// The version, `15.18`, or the image.
        version: String,
        /// Where it is: a program's path, or the variable that names a server.
        place: String,
    },
    /// The provider does not have the backend, so the next provider is tried.
    Absent {
        /// What was searched for, or what to do.
        why: String,
    },
    /// The provider has the backend, but it does not work; no other provider is tried.
    Broken {
        /// What is wrong and what to do.
        why: String,
    },
}

impl BackendSurvey {
    /// Whether a run with `--backends auto` would have this backend.
    pub fn is_usable(&self) -> bool {
        let decisive = self
            .offers
            .iter()
            .find(|offer| !matches!(offer.availability, Availability::Absent { .. }));
        decisive.is_some_and(|offer| matches!(offer.availability, Availability::Ready { .. }))
    }
}

/// A line for the backend, one for each provider, and advice unless the backend is usable.
impl fmt::Display for BackendSurvey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.is_usable() {
            "ready"
        } else {
            "not usable"
        };
        write!(f, "{}: {word}", self.backend)?;
        for offer in &self.offers {
            let provider = offer.provider.word();
            match &offer.availability {
                Availability::Ready { version, place } => {
                    write!(f, "\n  {provider:9}  {version}, {place}")?;
                }
                Availability::Absent { why } => write!(f, "\n  {provider:9}  none: {why}")?,
                Availability::Broken { why } => write!(f, "\n  {provider:9}  broken: {why}")?,
            }
        }
        if !self.is_usable() {
            write!(f, "\n  {}", self.backend.remedy())?;
        }
        Ok(())
    }
}

/// Surveys the sandbox's host: connects to the servers that variables name, and starts and stops each
/// program in the sandbox.
pub async fn survey(sandbox: &Sandbox) -> Vec<BackendSurvey> {
    let surveys = BACKENDS
        .iter()
        .map(|backend| survey_backend(*backend, sandbox));
    join_all(surveys).await
}

async fn survey_backend(backend: &'static dyn Backend, sandbox: &Sandbox) -> BackendSurvey {
    let description = backend.description();
    let (external, process, container) = futures::join!(
        survey_external(backend, &sandbox.host),
        survey_process(backend, sandbox),
        survey_container(description, &sandbox.host)
    );
    let offer = |provider, availability| Offer {
        provider,
        availability,
    };
    BackendSurvey {
        backend: description,
        offers: vec![
            offer(ProviderKind::External, external),
            offer(ProviderKind::Process, process),
            offer(ProviderKind::Container, container),
        ],
    }
}

/// Connects to the server that the backend's variable names.
async fn survey_external(backend: &'static dyn Backend, host: &Host) -> Availability {
    let variable = backend.description().url_variable;
    let Some(url) = host.variable(variable) else {
        return Availability::Absent {
            why: format!("{variable} is not set"),
        };
    };
    match backend.examine(url).await {
        Ok(info) => Availability::Ready {
            version: info.version,
            place: format!("named by {variable}"),
        },
        Err(error) => availability_of(error),
    }
}

/// Searches for the server's program, starts it and stops it.
async fn survey_process(backend: &'static dyn Backend, sandbox: &Sandbox) -> Availability {
    let program = match find_program(backend, sandbox.host.clone()).await {
        Ok(program) => program,
        Err(error) => return availability_of(error),
    };
    let ready = Availability::Ready {
        version: program.version.clone(),
        place: program.path.display().to_string(),
    };
    match backend.start(Route::Process(program), sandbox).await {
        Ok(running) => {
            running.stop().await;
            ready
        }
        Err(error) => availability_of(error),
    }
}

/// Checks whether the container engine has the backend's image, without pulling it.
async fn survey_container(backend: &'static Description, host: &Host) -> Availability {
    let image = match Image::choose(backend, host).await {
        Ok(image) => image,
        Err(error) => return availability_of(error),
    };
    let absent = |why| Availability::Absent { why };
    match connect_engine(host).await {
        Err(error) => absent(error.to_string()),
        Ok(docker) if image.is_present(&docker).await => Availability::Ready {
            version: image.to_string(),
            place: format!("an image of the engine at {}", engine_address(host)),
        },
        Ok(_) => absent(format!(
            "the engine at {} has no image `{image}`: a run pulls it; `ci/images` builds another; {} \
             names a different one",
            engine_address(host),
            backend.image_variable
        )),
    }
}

fn availability_of(error: BackendError) -> Availability {
    match error {
        BackendError::Missing {
            what_to_install, ..
        } => Availability::Absent {
            why: what_to_install,
        },
        BackendError::Broken { cause, advice, .. } => Availability::Broken {
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
    async fn a_survey_of_a_machine_without_backends_says_what_to_install() {
        let surveys = survey_of(Host::with_variables([("PATH", "/nowhere")])).await;
        assert_eq!(surveys.len(), BACKENDS.len());
        for survey in surveys {
            assert!(!survey.is_usable(), "{survey}");
            let text = survey.to_string();
            assert!(text.contains("not usable"), "{text}");
            assert!(text.contains(&survey.backend.remedy()), "{text}");
            assert!(text.contains(survey.backend.url_variable), "{text}");
        }
    }

    #[tokio::test]
    async fn an_external_server_that_does_not_answer_makes_the_backend_unusable() {
        let host = Host::with_variables([
            (
                "CONFORMANCE_POSTGRES_URL",
                "postgres://user:secret@127.0.0.1:1/",
            ),
            ("CONFORMANCE_REDIS_URL", "redis://:secret@127.0.0.1:1/"),
            (
                "CONFORMANCE_PROMETHEUS_URL",
                "http://user:secret@127.0.0.1:1/?targets=/tmp",
            ),
            ("CONFORMANCE_JAEGER_URL", "http://user:secret@127.0.0.1:1/"),
        ]);
        for survey in survey_of(host).await {
            assert!(!survey.is_usable(), "{survey}");
            assert!(
                matches!(survey.offers[0].availability, Availability::Broken { .. }),
                "{survey}"
            );
            assert!(survey.to_string().contains("127.0.0.1:1"), "{survey}");
            assert!(!survey.to_string().contains("secret"), "{survey}");
        }
    }
}
