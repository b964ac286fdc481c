//! What every backend implements, and how the run decides where one comes from.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;

use super::engine::Image;
use super::programs::Program;
use super::provider::{BackendError, BackendInfo, Choice, Description};
use crate::sandbox::Sandbox;
use crate::sandbox::host::Host;

/// A kind of backend: how it is found on a machine and started. Its place is the registry.
#[async_trait]
pub trait Backend: Sync {
    /// Its names, variables, packages and images.
    fn description(&self) -> &'static Description;

    /// The program of this machine that a process is started from. Blocks.
    fn find(&self, host: &Host) -> Result<Program, BackendError>;

    /// Asks the server at this URL what it is; changes nothing on it.
    async fn examine(&self, url: &str) -> Result<BackendInfo, BackendError>;

    /// Starts it, or reaches the one that runs already, and waits until it answers.
    async fn start(
        &self,
        route: Route,
        sandbox: &Sandbox,
    ) -> Result<Arc<dyn RunningBackend>, BackendError>;
}

/// A backend that a run has started or reached.
#[async_trait]
pub trait RunningBackend: Any + Send + Sync {
    /// Which server it is.
    fn info(&self) -> &BackendInfo;

    /// An error unless it answers: then it, not the subject, is to blame.
    async fn alive(&self) -> Result<(), BackendError>;

    /// Ends what the suite started, and removes what it made elsewhere.
    async fn stop(&self);
}

/// The typed form of a running backend, for scenarios that use it.
pub trait BackendHandle: RunningBackend {
    /// The name under which it is registered.
    const NAME: &'static str;
}

/// Where a backend is taken from, once decided.
pub enum Route {
    /// The server of this URL.
    External(String),
    /// This program.
    Process(Program),
    /// This image.
    Container(Image),
}

/// Decides where a backend comes from.
pub async fn route(
    backend: &'static dyn Backend,
    choice: Choice,
    host: &Arc<Host>,
) -> Result<Route, BackendError> {
    let description = backend.description();
    if choice == Choice::Container {
        return Ok(Route::Container(Image::find(description, host).await?));
    }
    if let (Choice::Auto, Some(url)) = (choice, host.variable(description.url_variable)) {
        return Ok(Route::External(url.to_owned()));
    }
    match look(backend, host.clone()).await {
        Err(missing @ BackendError::Missing { .. }) if choice == Choice::Auto => {
            match Image::find(description, host).await {
                Ok(image) => Ok(Route::Container(image)),
                // That there is no engine either says less than which program to install.
                Err(_) => Err(missing),
            }
        }
        program => program.map(Route::Process),
    }
}

/// Looking for programs starts some of them: a thread that may block does it.
pub(super) async fn look(
    backend: &'static dyn Backend,
    host: Arc<Host>,
) -> Result<Program, BackendError> {
    tokio::task::spawn_blocking(move || backend.find(&host))
        .await
        .unwrap_or_else(|panic| {
            let advice = "this is a fault of the suite";
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

    static PRETEND: Description = Description {
        name: "pretend",
        title: "Pretend",
        packages: "pretend",
        url_variable: "CONFORMANCE_PRETEND_URL",
        image_variable: "CONFORMANCE_PRETEND_IMAGE",
        images: ["conformance-pretend", "pretend:1"],
    };

    /// A backend whose program is there, or is not.
    struct Pretend {
        is_installed: bool,
    }

    #[async_trait]
    impl Backend for Pretend {
        fn description(&self) -> &'static Description {
            &PRETEND
        }

        fn find(&self, _: &Host) -> Result<Program, BackendError> {
            if self.is_installed {
                return Ok(Program {
                    path: PathBuf::from("/bin/pretend"),
                    version: "1".to_owned(),
                });
            }
            Err(BackendError::Missing {
                backend: &PRETEND,
                what_to_install: PRETEND.remedy(),
            })
        }

        async fn examine(&self, _: &str) -> Result<BackendInfo, BackendError> {
            Err(BackendError::broken(&PRETEND, "not asked", "none"))
        }

        async fn start(
            &self,
            _: Route,
            _: &Sandbox,
        ) -> Result<Arc<dyn RunningBackend>, BackendError> {
            Err(BackendError::broken(&PRETEND, "not started", "none"))
        }
    }

    static INSTALLED: Pretend = Pretend { is_installed: true };
    static ABSENT: Pretend = Pretend {
        is_installed: false,
    };

    async fn routed(backend: &'static Pretend, choice: Choice, url: &str) -> String {
        let host = Arc::new(Host::with_variables([("CONFORMANCE_PRETEND_URL", url)]));
        match route(backend, choice, &host).await {
            Ok(Route::External(url)) => format!("external {url}"),
            Ok(Route::Process(program)) => format!("process {}", program.path.display()),
            Ok(Route::Container(image)) => format!("container {image}"),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn a_variable_that_is_set_wins_over_a_program_unless_processes_are_forced() {
        assert_eq!(
            routed(&INSTALLED, Choice::Auto, "pretend://there").await,
            "external pretend://there"
        );
        assert_eq!(
            routed(&INSTALLED, Choice::Process, "pretend://there").await,
            "process /bin/pretend"
        );
    }

    #[tokio::test]
    async fn an_empty_variable_counts_as_unset() {
        assert_eq!(
            routed(&INSTALLED, Choice::Auto, "").await,
            "process /bin/pretend"
        );
    }

    #[tokio::test]
    async fn without_a_program_and_an_engine_the_error_names_the_program() {
        let error = routed(&ABSENT, Choice::Auto, "").await;
        assert!(error.contains("Pretend is missing"), "{error}");
        assert!(error.contains("apt-get install pretend"), "{error}");
    }
}
