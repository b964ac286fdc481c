//! From the command to the exit status: what `main` is in every program.

use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::environment::Environment;
use crate::healthcheck::{self, HealthcheckError};
use crate::listen::ListenError;
use crate::logging::{self, LogSettings};
use crate::metrics::{self, Family};
use crate::requests::HTTP_FAMILIES;
use crate::serving::{Running, ServeError};
use crate::settings::{self, CommonSettings, SettingError};
use crate::shutdown;
use crate::traces::Exporter;

/// How long the last spans may take even if requests took all of `SHUTDOWN_TIMEOUT` (CFG-8 grants a second).
const LAST_SPANS: Duration = Duration::from_millis(400);

/// Why the program ends with another status than 0.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// CFG-2
    #[error("invalid setting: {0}")]
    Setting(#[from] SettingError),
    /// There is no such command.
    #[error("unknown command {given:?}: there are {known}")]
    Command {
        /// The command on the command line.
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

/// Where one program differs from another; its implementations have no values.
pub trait Program {
    /// The families of metrics that it has in addition to those of HTTP.
    const FAMILIES: &'static [&'static [Family]];

    /// What the environment says (CFG-1).
    type Settings;
    /// What the program is put together from, each replaceable.
    type Dependencies;

    /// Reads every setting.
    fn settings(environment: &Environment) -> Result<Self::Settings, SettingError>;

    /// Those that all programs share.
    fn common(settings: &Self::Settings) -> &CommonSettings;

    /// Takes the ports, and starts to serve on them (CFG-3).
    fn start(
        settings: &Self::Settings,
        dependencies: Self::Dependencies,
    ) -> Result<Running, ListenError>;

    /// Runs any other command than `serve` and `healthcheck`.
    fn command(
        given: &str,
        environment: &Environment,
    ) -> impl Future<Output = Result<(), ProgramError>>;
}

/// The whole program: the process's arguments and environment in, its exit status out.
pub fn main<P: Program>(assemble: impl FnOnce(&P::Settings) -> P::Dependencies) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("the system gives threads and a poller");
    let (command, environment) = (std::env::args().nth(1), Environment::of_process());
    let status = runtime.block_on(run::<P>(command, environment, assemble));
    // What was abandoned must not hold up the end (CFG-8).
    runtime.shutdown_background();
    status
}

/// Runs `command`, by default `serve` (CFG-4), and logs why it failed, if it did.
pub async fn run<P: Program>(
    command: Option<String>,
    environment: Environment,
    assemble: impl FnOnce(&P::Settings) -> P::Dependencies,
) -> ExitCode {
    let (log_settings, log_format) = LogSettings::read(&environment);
    logging::install(log_settings);
    let command = command.as_deref().unwrap_or("serve");
    let result = match log_format {
        Ok(()) => execute::<P>(command, &environment, assemble).await,
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

async fn execute<P: Program>(
    command: &str,
    environment: &Environment,
    assemble: impl FnOnce(&P::Settings) -> P::Dependencies,
) -> Result<(), ProgramError> {
    match command {
        "serve" => {
            let settings = P::settings(environment)?;
            let dependencies = assemble(&settings);
            serve::<P>(&settings, dependencies).await
        }
        // CFG-5
        "healthcheck" => Ok(healthcheck::request_health(settings::http_port(environment)?).await?),
        other => P::command(other, environment).await,
    }
}

/// Serves until a signal comes, then drains (CFG-8).
async fn serve<P: Program>(
    settings: &P::Settings,
    dependencies: P::Dependencies,
) -> Result<(), ProgramError> {
    let signals = shutdown::signals().map_err(ProgramError::Signals)?;
    metrics::install(
        HTTP_FAMILIES
            .iter()
            .chain(P::FAMILIES.iter().copied().flatten()),
    );
    let common = P::common(settings);
    let identity = &common.identity;
    let exporter = Exporter::start(&common.traces, identity)?;
    let mut running = P::start(settings, dependencies)?;
    tracing::info!(
        service = identity.name,
        version = identity.version,
        environment = identity.environment,
        port = common.port,
        metrics_port = common.metrics_port,
        "serving"
    );
    tokio::select! {
        signal = signals => tracing::info!(signal, "stopping"),
        error = running.failed() => return Err(error.into()),
    }
    drain(running, exporter, common.shutdown_timeout).await;
    Ok(())
}

/// Ends what runs, then sends the last spans in the time that is left of `limit`.
async fn drain(running: Running, exporter: Exporter, limit: Duration) {
    let start = Instant::now();
    running.drain(limit).await;
    let left = limit.saturating_sub(start.elapsed());
    exporter.stop(left.max(LAST_SPANS)).await;
    tracing::info!("stopped");
}
