//! From the command to the exit status.

use std::process::ExitCode;

use platform::environment::Environment;
use platform::program::{self, ProgramError};

use crate::migrate;
use crate::parts::Parts;
use crate::server;
use crate::settings::Settings;

/// The whole program: the process's arguments and environment in, its exit status out.
pub fn main(assemble: impl FnOnce(&Settings) -> Parts) -> ExitCode {
    program::main(async |command, environment| run(command, environment, assemble).await)
}

/// Runs `command` and logs why it failed, if it did.
pub async fn run(
    command: Option<String>,
    environment: Environment,
    assemble: impl FnOnce(&Settings) -> Parts,
) -> ExitCode {
    program::run(command, environment, async |command, environment| {
        execute(command, environment, assemble).await
    })
    .await
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
        // CFG-4
        "migrate" => migrate::run(&Settings::read(environment)?.database)
            .await
            .map_err(|error| ProgramError::Own(error.into())),
        "healthcheck" => program::healthcheck(environment).await,
        other => Err(ProgramError::Command {
            given: other.to_owned(),
            known: "serve, migrate and healthcheck",
        }),
    }
}

/// Serves until a signal comes, then drains (CFG-8).
pub async fn serve(settings: &Settings, parts: Parts) -> Result<(), ProgramError> {
    program::serve(&settings.common, || {
        let listeners = server::bind(settings, &parts.rules)?;
        tracing::debug!(grpc_port = settings.grpc_port, "bound");
        Ok(server::start(settings, parts, listeners))
    })
    .await
}
