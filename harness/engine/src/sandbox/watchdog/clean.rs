//! What earlier runs left without cleaning up: the machine crashed, or a user killed
//! the watchdog as well.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::unistd::{getpid, getppid};

use super::containers::{self, machine};
use super::ledger::Ledger;
use super::lock::{is_gone, is_held};
use crate::sandbox::folder::is_run_name;
use crate::sandbox::resources::MEMORY;

/// In each folder of a run: locked for as long as the run lives.
pub(crate) const ALIVE: &str = "alive";

/// A folder without its lock may be of a run that is just beginning.
const YOUNG: Duration = Duration::from_mins(1);

/// What came of it.
#[derive(Debug, Default)]
pub struct Cleaned {
    /// What was removed.
    pub removed: Vec<String>,
    /// What was not, and why.
    pub left: Vec<String>,
}

/// Ends processes and removes folders, locks and containers of runs that are over.
pub async fn clean() -> Cleaned {
    let mut ledger = Ledger::default();
    let mut cleaned = Cleaned::default();
    for folder in stale_folders() {
        cleaned.removed.push(format!("folder {}", folder.display()));
        ledger.folders.insert(folder);
    }
    // Those that are held stay.
    ledger
        .locks
        .extend(entries(&std::env::temp_dir().join("conformance-ports")));
    match containers::all().await {
        None => {
            let why = "containers, if there are any: no container engine answers";
            cleaned.left.push(why.to_owned());
        }
        Some(all) => {
            for container in all {
                if container.machine != machine() {
                    let (name, machine) = (container.name, container.machine);
                    let why = format!("container {name}: of a run on {machine}; clean up there");
                    cleaned.left.push(why);
                } else if !is_alive(Path::new(&container.folder)) {
                    cleaned
                        .removed
                        .push(format!("container {}", container.name));
                    ledger.containers.insert(container.name);
                }
            }
        }
    }
    let excluded = [getpid().as_raw(), getppid().as_raw()];
    // It blocks, and nothing else is under way.
    let swept = tokio::task::spawn_blocking(move || ledger.sweep(&excluded)).await;
    cleaned.left.extend(swept.unwrap_or_default());
    cleaned
}

/// Folders of runs that are over, among the temporary files and in memory.
fn stale_folders() -> Vec<PathBuf> {
    let mut all = entries(&std::env::temp_dir());
    all.extend(entries(Path::new(MEMORY)));
    all.retain(|it| it.file_name().is_some_and(is_run_name) && it.is_dir() && !is_alive(it));
    all
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).into_iter().flatten().flatten();
    read.map(|it| it.path()).collect()
}

/// Whether the run of this folder lives, or may be just beginning.
fn is_alive(folder: &Path) -> bool {
    match is_held(&folder.join(ALIVE)) {
        Ok(is_held) => is_held,
        Err(error) if is_gone(&error) => is_young(folder),
        // Another program's.
        Err(_) => true,
    }
}

fn is_young(folder: &Path) -> bool {
    let made = fs::metadata(folder).and_then(|it| it.modified());
    made.is_ok_and(|made| {
        SystemTime::now()
            .duration_since(made)
            .is_ok_and(|it| it < YOUNG)
    })
}

#[cfg(test)]
mod tests {
    use super::super::lock::Lock;
    use super::*;

    #[test]
    fn a_run_lives_as_long_as_its_lock_is_held() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(is_alive(folder.path()), "it may be just beginning");
        let lock = Lock::make_locked(&folder.path().join(ALIVE)).expect("a lock");
        assert!(is_alive(folder.path()) && is_alive(folder.path()));
        drop(lock);
        // As after a SIGKILL: the file stays, the lock does not.
        fs::write(folder.path().join(ALIVE), "").expect("a file");
        assert!(!is_alive(folder.path()) && !is_alive(folder.path()));
    }

    #[test]
    fn a_folder_that_is_gone_has_no_run() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(!is_alive(&folder.path().join("gone")));
    }
}
