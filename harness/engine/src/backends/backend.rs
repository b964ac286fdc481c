//! The trait of every backend, and the choice of its provider.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;

use super::engine::Image;
use super::programs::Program;
use super::provider::{BackendError, BackendInfo, Choice, Description};
use crate::sandbox::Sandbox;
use crate::sandbox::host::Host;

/// A kind of backend, as listed in the registry: how it is found on a machine and started.
#[async_trait]
pub trait Backend: Sync {
    /// Names, variables, packages and images of the backend.
    fn description(&self) -> &'static Description;

    /// Finds the server program on this machine. Blocks.
    fn find_program(&self, host: &Host) -> Result<Program, BackendError>;

    /// Reads the version of the server at this URL, without changing anything on it.
    async fn examine(&self, url: &str) -> Result<BackendInfo, BackendError>;

    /// Starts a server, or connects to the external one, and waits until it answers.
    async fn start(
        &self,
        route: Route,
        sandbox: &Sandbox,
    ) -> Result<Arc<dyn RunningBackend>, BackendError>;
}

/// A backend that a run has started or connected to.
#[async_trait]
pub trait RunningBackend: Any + Send + Sync {
    /// Provider and version of the server.
    fn info(&self) -> &BackendInfo;

    /// Fails unless the backend answers; after such an error the subject cannot be judged.
    async fn check_alive(&self) -> Result<(), BackendError>;

    /// Stops servers that the suite started, and removes what it created on external ones.
    async fn stop(&self);
}

/// The concrete type of a running backend, for scenarios that use it.
pub trait BackendHandle: RunningBackend {
    /// The backend's name in the registry.
    const NAME: &'static str;
}

/// The chosen provider of a backend, with what it starts or connects to.
pub enum Route {
    /// The server at this URL.
    External(String),
    /// A process of this program.
    Process(Program),
    /// A container of this image.
    Container(Image),
}

/// Chooses the provider of a backend.
pub async fn choose_route(
    backend: &'static dyn Backend,
    choice: Choice,
    host: &Arc<Host>,
) -> Result<Route, BackendError> {
    let description = backend.description();
    if choice == Choice::Container {
        return Ok(Route::Container(Image::choose(description, host).await?));
    }
    if let (Choice::Auto, Some(url)) = (choice, host.variable(description.url_variable)) {
        return Ok(Route::External(url.to_owned()));
    }
    match find_program(backend, host.clone()).await {
        Err(missing @ BackendError::Missing { .. }) if choice == Choice::Auto => {
            match Image::choose(description, host).await {
                Ok(image) => Ok(Route::Container(image)),
                // The message about the missing program helps more than one about the container engine.
                Err(_) => Err(missing),
            }
        }
        program => program.map(Route::Process),
    }
}

/// Finds the server program, on a thread that may block: the search runs candidates with `--version`.
pub(super) async fn find_program(
    backend: &'static dyn Backend,
    host: Arc<Host>,
) -> Result<Program, BackendError> {
    tokio::task::spawn_blocking(move || backend.find_program(&host))
        .await
        .unwrap_or_else(|panic| {
            let advice = "this is a bug of the suite";
            Err(BackendError::broken(
                backend.description(),
                panic.to_string(),
                advice,
            ))
        })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    static FAKE: Description = Description {
        name: "fake",
        title: "Fake",
        packages: "fake",
        url_variable: "CONFORMANCE_FAKE_URL",
        image_variable: "CONFORMANCE_FAKE_IMAGE",
        images: ["conformance-fake", "fake:1"],
    };

    /// A backend whose program is or is not installed.
    struct FakeBackend {
        is_installed: bool,
    }

    #[async_trait]
    impl Backend for FakeBackend {
        fn description(&self) -> &'static Description {
            &FAKE
        }

        fn find_program(&self, _: &Host) -> Result<Program, BackendError> {
            if self.is_installed {
                return Ok(Program {
                    path: PathBuf::from("/bin/fake"),
                    version: "1".to_owned(),
                });
            }
            Err(BackendError::Missing {
                backend: &FAKE,
                what_to_install: FAKE.remedy(),
            })
        }

        async fn examine(&self, _: &str) -> Result<BackendInfo, BackendError> {
            Err(BackendError::broken(&FAKE, "not examined", "none"))
        }

        async fn start(
            &self,
            _: Route,
            _: &Sandbox,
        ) -> Result<Arc<dyn RunningBackend>, BackendError> {
            Err(BackendError::broken(&FAKE, "not started", "none"))
        }
    }

    static INSTALLED: FakeBackend = FakeBackend { is_installed: true };
    static ABSENT: FakeBackend = FakeBackend {
        is_installed: false,
    };

    /// The chosen route, or the error, as text.
    async fn describe_route(backend: &'static FakeBackend, choice: Choice, url: &str) -> String {
        let host = Arc::new(Host::with_variables([("CONFORMANCE_FAKE_URL", url)]));
        match choose_route(backend, choice, &host).await {
            Ok(Route::External(url)) => format!("external {url}"),
            Ok(Route::Process(program)) => format!("process {}", program.path.display()),
            Ok(Route::Container(image)) => format!("container {image}"),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn a_url_variable_takes_precedence_over_a_program_unless_processes_are_forced() {
        assert_eq!(
            describe_route(&INSTALLED, Choice::Auto, "fake://there").await,
            "external fake://there"
        );
        assert_eq!(
            describe_route(&INSTALLED, Choice::Process, "fake://there").await,
            "process /bin/fake"
        );
    }

    #[tokio::test]
    async fn an_empty_variable_counts_as_unset() {
        assert_eq!(
            describe_route(&INSTALLED, Choice::Auto, "").await,
            "process /bin/fake"
        );
    }

    #[tokio::test]
    async fn without_a_program_and_a_container_engine_the_error_names_the_program() {
        let error = describe_route(&ABSENT, Choice::Auto, "").await;
        assert!(error.contains("Fake is missing"), "{error}");
        assert!(error.contains("apt-get install fake"), "{error}");
    }
}
