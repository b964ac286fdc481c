//! Per-run resources of the machine: folder, ports, child processes, and their cleanup.
//!
//! - [`descriptors`]: the limit of open files
//! - [`exhaustion`]: detects that descriptors, memory, ports or disk space are exhausted
//! - [`host`]: environment variables and programs of this machine
//! - [`folder`]: the folder that holds all files of a run
//! - `processes`: the process table, read from `/proc`
//! - [`watchdog`]: cleans up however the run ends
//! - [`ports`]: the port allocator

use std::io;
use std::sync::Arc;

pub mod descriptors;
pub mod exhaustion;
pub mod folder;
pub mod host;
pub mod ports;
pub(crate) mod processes;
pub mod watchdog;

use folder::RunFolder;
use host::Host;
use ports::Ports;
use watchdog::Watchdog;

/// The resources of one run: folder, ports, watchdog, and the host's variables and programs.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// The folder of all files of the run.
    pub folder: RunFolder,
    /// Cleans up however the run ends.
    pub watchdog: Watchdog,
    /// Allocates ports.
    pub ports: Ports,
    /// The variables and folders that are searched for backends.
    pub host: Arc<Host>,
}

impl Sandbox {
    /// Creates the run's folder and starts its watchdog; with `keep` the folder stays after the run.
    ///
    /// Fails if the temporary folder is not writable, the loopback interface is down, or this program cannot
    /// start itself as the watchdog.
    pub fn create(keep: bool) -> io::Result<Self> {
        ports::check_loopback()?;
        let folder = RunFolder::choose()?;
        let watchdog = Watchdog::start(&folder)?;
        if keep {
            watchdog.keep_folder(folder.path());
        }
        Ok(Self {
            ports: Ports::open(&watchdog)?,
            folder,
            watchdog,
            host: Arc::new(Host::local()),
        })
    }

    /// Kills remaining processes of the run and removes its folder. Call it after scenarios and backends have ended.
    pub async fn finish(&self) {
        self.watchdog.finish().await;
    }
}
