//! From the command to the exit status: what `main` is in every program.

use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use crate::environment::Environment;
use crate::healthcheck::{self, HealthcheckError};
use crate::listen::ListenError;
use crate::logging::{self, LogSettings};
use crate::serving::{Running, ServeError};
use crate::settings::{self, CommonSettings, SettingError};
use crate::shutdown;

/// Why the program ends with another status than 0.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// CFG-2
    #[error("invalid setting: {0}")]
    Setting(#[from] SettingError),
    /// There is no such command.
    #[error("unknown command {given:?}: there are {known}")]
    Command {
        /// The command that was asked for.
        given: String,
        /// Those that there are.
        known: &'static str,
    },
    /// CFG-3
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// CFG-5
    #[error("unhealthy: {0}")]
    Healthcheck(#[from] HealthcheckError),
    /// A server ended.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Signals cannot be caught.
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] io::Error),
    /// A command that this program alone has.
    #[error(transparent)]
    Own(Box<dyn Error + Send + Sync>),
}

/// The whole program: the process's arguments and environment in, its exit status out.
pub fn main(run: impl AsyncFnOnce(Option<String>, Environment) -> ExitCode) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("the system gives threads and a poller");
    let status = runtime.block_on(run(std::env::args().nth(1), Environment::of_process()));
    // What was abandoned must not hold up the end (CFG-8).
    runtime.shutdown_background();
    status
}

/// Runs `command`, by default `serve` (CFG-4), and logs why it failed, if it did.
pub async fn run(
    command: Option<String>,
    environment: Environment,
    execute: impl AsyncFnOnce(&str, &Environment) -> Result<(), ProgramError>,
) -> ExitCode {
    let (log_settings, log_format) = LogSettings::read(&environment);
    logging::install(log_settings);
    let result = match log_format {
        Ok(()) => execute(command.as_deref().unwrap_or("serve"), &environment).await,
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

/// The command `healthcheck` (CFG-5).
pub async fn healthcheck(environment: &Environment) -> Result<(), ProgramError> {
    Ok(healthcheck::ask(settings::http_port(environment)?).await?)
}

/// Serves what `start` starts until a signal comes, then drains it (CFG-8).
pub async fn serve(
    settings: &CommonSettings,
    start: impl FnOnce() -> Result<Running, ListenError>,
) -> Result<(), ProgramError> {
    let signals = shutdown::signals().map_err(ProgramError::Signals)?;
    let mut running = start()?;
    let identity = &settings.identity;
    tracing::info!(
        service = identity.name,
        version = identity.version,
        environment = identity.environment,
        port = settings.port,
        metrics_port = settings.metrics_port,
        "serving"
    );
    tokio::select! {
        signal = signals => tracing::info!(signal, "stopping"),
        error = running.failed() => return Err(error.into()),
    }
    drain(running, settings.shutdown_timeout).await;
    Ok(())
}

async fn drain(running: Running, limit: Duration) {
    running.drain(limit).await;
    tracing::info!("stopped");
}
