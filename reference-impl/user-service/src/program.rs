//! From the command to the exit status.

use std::process::ExitCode;

use platform::environment::Environment;
use platform::healthcheck::{self, HealthcheckError};
use platform::listen::ListenError;
use platform::logging::{self, LogSettings};
use platform::settings::{self, SettingError};
use platform::shutdown;

use crate::migrate::{self, MigrationError};
use crate::parts::Parts;
use crate::server::{self, ServeError};
use crate::settings::Settings;

/// Why the program ends with another status than 0.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// CFG-2
    #[error("invalid setting: {0}")]
    Setting(#[from] SettingError),
    /// There is no such command.
    #[error("unknown command {0:?}: there are serve, migrate and healthcheck")]
    Command(String),
    /// CFG-3
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// CFG-4
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// CFG-5
    #[error("unhealthy: {0}")]
    Healthcheck(#[from] HealthcheckError),
    /// A server ended.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Signals cannot be caught.
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] std::io::Error),
}

/// The whole program: the process's arguments and environment in, its exit status out.
pub fn main(assemble: impl FnOnce(&Settings) -> Parts) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("the system gives threads and a poller");
    let status = runtime.block_on(run(
        std::env::args().nth(1),
        Environment::of_process(),
        assemble,
    ));
    // What was abandoned must not hold up the end (CFG-8).
    runtime.shutdown_background();
    status
}

/// Runs `command` and logs why it failed, if it did.
pub async fn run(
    command: Option<String>,
    environment: Environment,
    assemble: impl FnOnce(&Settings) -> Parts,
) -> ExitCode {
    let (log_settings, log_format) = LogSettings::read(&environment);
    logging::install(log_settings);
    let result = match log_format {
        Ok(()) => {
            execute(
                command.as_deref().unwrap_or("serve"),
                &environment,
                assemble,
            )
            .await
        }
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs `command` to its end.
pub async fn execute(
    command: &str,
    environment: &Environment,
    assemble: impl FnOnce(&Settings) -> Parts,
) -> Result<(), ProgramError> {
    match command {
        "serve" => {
            let settings = Settings::read(environment)?;
            let parts = assemble(&settings);
            serve(&settings, parts).await
        }
        "migrate" => Ok(migrate::run(&Settings::read(environment)?.database).await?),
        "healthcheck" => Ok(healthcheck::ask(settings::http_port(environment)?).await?),
        other => Err(ProgramError::Command(other.to_owned())),
    }
}

/// Serves until a signal comes, then drains (CFG-8).
pub async fn serve(settings: &Settings, parts: Parts) -> Result<(), ProgramError> {
    let signals = shutdown::signals().map_err(ProgramError::Signals)?;
    let listeners = server::bind(settings, &parts.rules)?;
    let mut running = server::start(settings, parts, listeners);
    let identity = &settings.common.identity;
    tracing::info!(
        service = identity.name,
        version = identity.version,
        environment = identity.environment,
        port = settings.common.port,
        grpc_port = settings.grpc_port,
        metrics_port = settings.common.metrics_port,
        "serving"
    );
    tokio::select! {
        signal = signals => tracing::info!(signal, "stopping"),
        error = running.failed() => return Err(error.into()),
    }
    running.drain(settings.common.shutdown_timeout).await;
    tracing::info!("stopped");
    Ok(())
}
