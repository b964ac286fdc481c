//! From the command to the exit status.

use platform::environment::Environment;
use platform::listen::ListenError;
use platform::metrics::Family;
use platform::program::{Program, ProgramError};
use platform::requests::GRPC_FAMILIES;
use platform::serving::Running;
use platform::settings::{CommonSettings, SettingError};

use crate::dependencies::Dependencies;
use crate::families::FAMILIES;
use crate::migrate;
use crate::server;
use crate::settings::Settings;

/// The user service as a program.
#[derive(Debug)]
pub enum UserServiceProgram {}

impl Program for UserServiceProgram {
    const FAMILIES: &'static [&'static [Family]] = &[GRPC_FAMILIES, FAMILIES];

    type Settings = Settings;
    type Dependencies = Dependencies;

    fn settings(environment: &Environment) -> Result<Settings, SettingError> {
        Settings::read(environment)
    }

    fn common(settings: &Settings) -> &CommonSettings {
        &settings.common
    }

    fn start(settings: &Settings, dependencies: Dependencies) -> Result<Running, ListenError> {
        let listeners = server::bind(settings)?;
        tracing::debug!(grpc_port = settings.grpc_port, "bound");
        Ok(server::start(settings, dependencies, listeners))
    }

    async fn command(given: &str, environment: &Environment) -> Result<(), ProgramError> {
        if given != "migrate" {
            return Err(ProgramError::Command {
                given: given.to_owned(),
                known: "serve, migrate and healthcheck",
            });
        }
        // CFG-4
        migrate::run(&Settings::read(environment)?.database)
            .await
            .map_err(|error| ProgramError::Own(error.into()))
    }
}
