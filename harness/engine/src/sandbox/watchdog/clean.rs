//! `conformance clean`: removes what earlier runs left behind because the machine crashed or the watchdog
//! was killed as well.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::unistd::{getpid, getppid};

use super::containers::{self, machine_name};
use super::lock::{is_locked, is_not_found};
use super::resources::RunResources;
use crate::sandbox::exhaustion::SHM_FOLDER;
use crate::sandbox::folder::is_run_folder_name;

/// The file in each run folder that is locked until the run ends.
pub(crate) const ALIVE: &str = "alive";

/// A folder without a lock file that is younger than this may belong to a run that is just starting.
const STARTUP_TIME: Duration = Duration::from_mins(1);

/// The result of [`clean`](clean()).
#[derive(Debug, Default)]
pub struct Cleaned {
    /// Descriptions of what was removed.
    pub removed: Vec<String>,
    /// Descriptions of what could not be removed, with reasons.
    pub left: Vec<String>,
}

/// Kills processes and removes folders, locks and containers of runs that are over.
pub async fn clean() -> Cleaned {
    let mut resources = RunResources::default();
    let mut cleaned = Cleaned::default();
    for folder in stale_folders() {
        cleaned.removed.push(format!("folder {}", folder.display()));
        resources.folders.insert(folder);
    }
    // Files that are locked stay.
    resources
        .locks
        .extend(entries(&std::env::temp_dir().join("conformance-ports")));
    match containers::all().await {
        None => {
            let reason = "containers, if there are any: no container engine answers";
            cleaned.left.push(reason.to_owned());
        }
        Some(all) => {
            for container in all {
                if container.machine != machine_name() {
                    let (name, machine) = (container.name, container.machine);
                    let reason = format!("container {name}: of a run on {machine}; clean up there");
                    cleaned.left.push(reason);
                } else if !is_alive(Path::new(&container.folder)) {
                    cleaned
                        .removed
                        .push(format!("container {}", container.name));
                    resources.containers.insert(container.name);
                }
            }
        }
    }
    let excluded = [getpid().as_raw(), getppid().as_raw()];
    let left = tokio::task::spawn_blocking(move || resources.clean_up(&excluded)).await;
    cleaned.left.extend(left.unwrap_or_default());
    cleaned
}

/// Folders of runs that are over, in the temporary folder and in `/dev/shm`.
fn stale_folders() -> Vec<PathBuf> {
    let mut all = entries(&std::env::temp_dir());
    all.extend(entries(Path::new(SHM_FOLDER)));
    all.retain(|path| {
        path.file_name().is_some_and(is_run_folder_name) && path.is_dir() && !is_alive(path)
    });
    all
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).into_iter().flatten().flatten();
    read.map(|entry| entry.path()).collect()
}

/// Whether the run that owns this folder is still running, or may be just starting.
fn is_alive(folder: &Path) -> bool {
    match is_locked(&folder.join(ALIVE)) {
        Ok(is_locked) => is_locked,
        Err(error) if is_not_found(&error) => is_young(folder),
        // Not readable, so probably not a run's folder.
        Err(_) => true,
    }
}

fn is_young(folder: &Path) -> bool {
    let modified = fs::metadata(folder).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| {
        SystemTime::now()
            .duration_since(modified)
            .is_ok_and(|age| age < STARTUP_TIME)
    })
}

#[cfg(test)]
mod tests {
    use super::super::lock::Lock;
    use super::*;

    #[test]
    fn a_run_is_alive_as_long_as_its_lock_is_held() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(is_alive(folder.path()), "it may be just starting");
        let lock = Lock::create_locked(&folder.path().join(ALIVE)).expect("a lock");
        assert!(is_alive(folder.path()) && is_alive(folder.path()));
        drop(lock);
        // A SIGKILL releases the lock but leaves the file.
        fs::write(folder.path().join(ALIVE), "").expect("a file");
        assert!(!is_alive(folder.path()) && !is_alive(folder.path()));
    }

    #[test]
    fn a_folder_that_does_not_exist_is_not_alive() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(!is_alive(&folder.path().join("gone")));
    }
}
