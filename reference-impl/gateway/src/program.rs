//! What the gateway supplies to `platform::program`: its settings, its start, and no commands of its own.

use platform::environment::Environment;
use platform::listen::ListenError;
use platform::metrics::Family;
use platform::program::{Program, ProgramError};
use platform::serving::Running;
use platform::settings::{CommonSettings, SettingError};

use crate::dependencies::Dependencies;
use crate::server;
use crate::settings::Settings;

/// The gateway as a program.
#[derive(Debug)]
pub enum GatewayProgram {}

impl Program for GatewayProgram {
    const FAMILIES: &'static [&'static [Family]] = &[];

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
        Ok(server::start(settings, dependencies, listeners))
    }

    async fn command(given: &str, _environment: &Environment) -> Result<(), ProgramError> {
        Err(ProgramError::Command {
            given: given.to_owned(),
            known: "serve and healthcheck",
        })
    }
}
