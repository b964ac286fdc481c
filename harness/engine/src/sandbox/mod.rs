//! The ground on which a run stands: its folder, its ports, its child processes, and their end.
//!
//! - [`descriptors`]: how many files this process may have open
//! - [`resources`]: whether this process lacks a resource of the machine
//! - [`host`]: variables and programs of this machine
//! - [`folder`]: the one folder that holds all of a run's files
//! - `processes`: what the kernel says of processes
//! - [`watchdog`]: whatever ends the run, nothing is left
//! - [`ports`]: the one allocator of ports

use std::io;
use std::sync::Arc;

pub mod descriptors;
pub mod folder;
pub mod host;
pub mod ports;
pub(crate) mod processes;
pub mod resources;
pub mod watchdog;

use folder::RunFolder;
use host::Host;
use ports::Ports;
use watchdog::Watchdog;

/// What a run stands on: its folder, its ports, its watchdog, and what the machine offers.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// Holds all of the run's files.
    pub folder: RunFolder,
    /// Leaves nothing behind, whatever ends the run.
    pub watchdog: Watchdog,
    /// Hands out ports.
    pub ports: Ports,
    /// Where backends are looked for.
    pub host: Arc<Host>,
}

impl Sandbox {
    /// A folder with its watchdog; with `keep` the folder stays after the run.
    ///
    /// Fails where the temporary folder cannot be written, the loopback interface is down, or this program
    /// cannot be started again.
    pub fn create(keep: bool) -> io::Result<Self> {
        ports::check_loopback()?;
        let folder = RunFolder::create()?;
        let watchdog = Watchdog::start(&folder)?;
        if keep {
            watchdog.keep(folder.path());
        }
        Ok(Self {
            ports: Ports::open(&watchdog)?,
            folder,
            watchdog,
            host: Arc::new(Host::here()),
        })
    }

    /// Ends what is left of the run and removes its folder; everything else is over by then.
    pub async fn finish(&self) {
        self.watchdog.finish().await;
    }
}
