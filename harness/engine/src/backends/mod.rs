//! What an implementation attaches to, and where that comes from.
//!
//! - [`provider`]: where a backend comes from, and why there may be none
//! - [`surroundings`]: variables and programs of this machine
//! - [`postgres`]: a server, and a database for each deployment
//! - [`redis`]: an empty Redis for each deployment
//! - [`survey`](mod@survey): what this machine offers, for `conformance doctor`
//! - `programs`: the programs of servers, and their versions
//! - `engine`: the container engine, and which images it has
//! - `server`: a server that the suite started; `container`: one in a container
//! - `account`: who runs PostgreSQL
//!
//! A provider is one file for each backend (`postgres_process`, `redis_container`); a further one
//! is one more file and its place in the order of `provider::route`.

use std::io;
use std::sync::Arc;

use crate::run::folder::RunFolder;
use crate::run::watchdog::Watchdog;
use crate::subject::ports::Ports;

mod account;
mod container;
mod engine;
pub mod postgres;
mod postgres_client;
mod postgres_container;
mod postgres_external;
mod postgres_names;
mod postgres_own;
mod postgres_process;
mod programs;
pub mod provider;
pub mod redis;
mod redis_container;
mod redis_external;
mod redis_pool;
mod redis_process;
mod server;
pub mod surroundings;
pub mod survey;
#[cfg(test)]
mod tests;

pub use provider::{BackendError, BackendInfo};
pub use survey::{BackendSurvey, survey};

use provider::Backend;
use server::Place;
use surroundings::Surroundings;

/// What a run stands on: its folder, its ports, its watchdog, and what the machine offers.
#[derive(Clone, Debug)]
pub struct Home {
    /// Holds all of the run's files.
    pub folder: RunFolder,
    /// Leaves nothing behind, whatever ends the run.
    pub watchdog: Watchdog,
    /// Hands out ports.
    pub ports: Ports,
    /// Where backends are looked for.
    pub surroundings: Arc<Surroundings>,
}

impl Home {
    /// A folder with its watchdog; with `keep` the folder stays after the run.
    ///
    /// Fails where the temporary folder cannot be written, or this program not be started again.
    pub fn create(keep: bool) -> io::Result<Self> {
        let folder = RunFolder::create()?;
        let watchdog = Watchdog::start(&folder)?;
        if keep {
            watchdog.keep(folder.path());
        }
        Ok(Self {
            ports: Ports::open(&watchdog)?,
            folder,
            watchdog,
            surroundings: Arc::new(Surroundings::here()),
        })
    }

    /// Ends what is left of the run and removes its folder; everything else is over by then.
    pub async fn finish(&self) {
        self.watchdog.finish().await;
    }

    /// Where the servers of one backend live.
    fn place(&self, backend: Backend) -> Result<Place, BackendError> {
        let folder = self.folder.sub(backend.word()).map_err(|error| {
            BackendError::broken(backend, error.to_string(), "see what fills the disk")
        })?;
        Ok(Place {
            folder,
            run_folder: self.folder.path().to_owned(),
            surroundings: self.surroundings.clone(),
            ports: self.ports.clone(),
            watchdog: self.watchdog.clone(),
        })
    }
}
