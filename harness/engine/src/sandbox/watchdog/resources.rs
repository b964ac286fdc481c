//! The resources of a run that the harness has registered, and their removal.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::containers;
use super::lock::{Lock, is_not_found};
use super::orphans::HarnessChildren;
use super::sweep::RunProcesses;

/// Terminates a record; a path cannot contain this byte.
pub(super) const RECORD_END: u8 = 0;

/// How long the watchdog tries before it reports what it could not kill or remove.
const CLEANUP_LIMIT: Duration = Duration::from_secs(2);

/// Registered resources: processes, files and containers that must not outlive the run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RunResources {
    groups: BTreeSet<i32>,
    /// Folders to remove; processes whose `TMPDIR` is in one of them are killed.
    pub(super) folders: BTreeSet<PathBuf>,
    /// Folders that are not removed after all.
    kept_folders: BTreeSet<PathBuf>,
    files: BTreeSet<PathBuf>,
    pub(super) locks: BTreeSet<PathBuf>,
    pub(super) containers: BTreeSet<String>,
    pub(super) harness_children: HarnessChildren,
}

impl RunResources {
    /// Reads records until the pipe closes.
    pub(super) fn read(mut from: impl BufRead) -> Self {
        let mut resources = Self::default();
        let mut record = Vec::new();
        // The harness may be killed while it writes. A record without its terminator is ignored: a truncated
        // path is a different path.
        while from.read_until(RECORD_END, &mut record).is_ok() && record.pop() == Some(RECORD_END) {
            resources.apply(&record);
            record.clear();
        }
        resources
    }

    /// Applies one record, `VERB OBJECT`; ignores invalid records.
    fn apply(&mut self, record: &[u8]) {
        let mut parts = record.splitn(2, |byte| *byte == b' ');
        let (Some(verb), Some(object)) = (parts.next(), parts.next()) else {
            return;
        };
        let name = str::from_utf8(object)
            .ok()
            .filter(|name| name.starts_with("conformance-"));
        // Ids 0 and 1 are not process groups of a run; a negative id means all processes to kill(2).
        let group = str::from_utf8(object)
            .ok()
            .and_then(|id| id.parse().ok())
            .filter(|id| *id > 1);
        let path = Some(PathBuf::from(OsStr::from_bytes(object)))
            .filter(|path| path.is_absolute() && path.parent().is_some());
        match (verb, name) {
            (b"container", Some(name)) => _ = self.containers.insert(name.to_owned()),
            (b"container-gone", Some(name)) => _ = self.containers.remove(name),
            _ => {}
        }
        match (verb, group, path) {
            (b"group", Some(group), _) => _ = self.groups.insert(group),
            (b"harness", Some(harness), _) => self.harness_children.harness = Some(harness),
            (b"gone", Some(group), _) => _ = self.groups.remove(&group),
            (b"folder", _, Some(path)) => _ = self.folders.insert(path),
            (b"keep", _, Some(path)) => _ = self.kept_folders.insert(path),
            (b"file", _, Some(path)) => _ = self.files.insert(path),
            (b"lock", _, Some(path)) => _ = self.locks.insert(path),
            _ => {}
        }
    }

    /// Kills and removes everything; returns descriptions of what is left. `excluded` processes are never killed.
    pub(super) fn clean_up(&self, excluded: &[i32]) -> Vec<String> {
        let mut left = self.clean_up_machine(excluded);
        left.extend(containers::remove(&self.containers));
        left
    }

    /// Kills processes, and removes shared memory and files; returns descriptions of what is left.
    fn clean_up_machine(&self, excluded: &[i32]) -> Vec<String> {
        let run_processes = RunProcesses {
            groups: &self.groups,
            folders: &self.folders,
            harness_children: &self.harness_children,
            excluded,
        };
        let started = Instant::now();
        let mut memory = BTreeSet::new();
        let mut processes = run_processes.kill(&mut memory);
        loop {
            let is_over_limit = started.elapsed() > CLEANUP_LIMIT;
            let mut left: Vec<String> = processes
                .iter()
                .map(|pid| format!("process {pid}"))
                .collect();
            if processes.is_empty() || is_over_limit {
                left.extend(self.remove());
                left.extend(memory.iter().filter_map(|piece| piece.remove().err()));
                // Processes that the harness was starting when it was killed may appear only now.
                processes = run_processes.kill(&mut memory);
                if is_over_limit || (left.is_empty() && processes.is_empty()) {
                    return left;
                }
            }
            pause();
            processes = run_processes.kill(&mut memory);
        }
    }

    /// Removes folders, files and locks; returns descriptions of what is left.
    fn remove(&self) -> Vec<String> {
        let folders = self
            .folders
            .difference(&self.kept_folders)
            .map(|path| (path, remove_folder(path)));
        let files = self.files.iter().map(|path| (path, fs::remove_file(path)));
        // A file that is locked belongs to the harness, which removes it, or to another run.
        let locks = self
            .locks
            .iter()
            .map(|path| (path, Lock::lock_existing(path).map(drop)));
        folders
            .chain(files)
            .chain(locks)
            .filter_map(|(path, removed)| removed.err().map(|error| (path, error)))
            .filter(|(_, error)| !is_not_found(error))
            .map(|(path, error)| format!("{} ({error}); remove it by hand", path.display()))
            .collect()
    }
}

fn remove_folder(path: &Path) -> io::Result<()> {
    fs::remove_dir_all(path).or_else(|error| {
        if error.kind() != io::ErrorKind::PermissionDenied {
            return Err(error);
        }
        // A program may have created folders without write permission.
        make_writable(path);
        fs::remove_dir_all(path)
    })
}

/// Gives the owner all permissions on a folder and its subfolders.
fn make_writable(folder: &Path) {
    // An error shows in the removal that follows.
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_writable(&entry.path());
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the watchdog has no other tasks, and the kernel sends no notification when such a process ends"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(2));
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt as _;
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn resources(records: &[&[u8]]) -> RunResources {
        let mut resources = RunResources::default();
        for record in records {
            resources.apply(record);
        }
        resources
    }

    /// Starts a shell in its own process group; returns it with the first line that its script prints.
    fn shell(script: &str, folder: &Path) -> (Child, String) {
        let mut child = Command::new("/bin/sh")
            .args(["-c", script])
            .env("TMPDIR", folder)
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output");
        io::BufReader::new(stdout)
            .read_line(&mut line)
            .expect("a line");
        (child, line.trim().to_owned())
    }

    fn is_running(pid: &str) -> bool {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(')')
            .is_some_and(|(_, fields)| !fields.starts_with(" Z"))
    }

    #[test]
    fn an_unregistered_group_is_removed() {
        assert_eq!(
            resources(&[b"group 77", b"gone 77"]),
            RunResources::default()
        );
    }

    #[test]
    fn only_containers_of_runs_are_removed() {
        let resources = resources(&[
            b"container conformance-1-redis-1",
            b"container conformance-1-redis-2",
            b"container-gone conformance-1-redis-1",
            b"container of-another-program",
        ]);
        let left = BTreeSet::from(["conformance-1-redis-2".to_owned()]);
        assert_eq!(resources.containers, left);
    }

    #[test]
    fn invalid_groups_are_ignored() {
        // kill(-1) would kill all processes, kill(0) the watchdog's own group.
        let records: [&[u8]; 6] = [
            b"group 1",
            b"group 0",
            b"group -1",
            b"group x",
            b"rubbish",
            b"",
        ];
        assert_eq!(resources(&records), RunResources::default());
    }

    #[test]
    fn invalid_paths_are_ignored() {
        assert_eq!(
            resources(&[b"folder /", b"folder ", b"folder relative", b"file x"]),
            RunResources::default()
        );
    }

    #[test]
    fn a_path_may_contain_spaces_newlines_and_invalid_utf_8() {
        let folders = resources(&[b"folder /tmp/a b\nc\xff"]).folders;
        assert_eq!(
            folders,
            BTreeSet::from([PathBuf::from(OsStr::from_bytes(b"/tmp/a b\nc\xff"))])
        );
    }

    #[test]
    fn a_truncated_record_is_ignored() {
        let resources = RunResources::read(&b"folder /tmp/run-1\0folder /tmp"[..]);
        assert_eq!(
            resources.folders,
            BTreeSet::from([PathBuf::from("/tmp/run-1")])
        );
    }

    #[test]
    fn a_group_an_orphan_and_a_detached_child_are_killed_and_the_folder_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = folder.path().join("run");
        fs::create_dir_all(run.join("tmp/locked")).expect("folders");
        fs::set_permissions(run.join("tmp/locked"), fs::Permissions::from_mode(0o000))
            .expect("its mode");
        let tmp = run.join("tmp");
        // An orphan that is in no registered group; it is recognized by its TMPDIR.
        let (mut parent, orphan) = shell("setsid sleep 600 >&- & echo $!", &tmp);
        parent.wait().expect("it ends");
        // Without TMPDIR and in its own session, but the child of a registered process.
        let (mut leader, detached) =
            shell("env -i setsid sleep 600 & echo $!; wait", Path::new("/"));
        let group = format!("group {}", leader.id());
        let folder = [b"folder ", run.as_os_str().as_bytes()].concat();
        let left = resources(&[group.as_bytes(), &folder]).clean_up(&[]);
        assert_eq!(left, Vec::<String>::new());
        assert!(
            !is_running(&orphan) && !is_running(&detached),
            "{orphan} {detached}"
        );
        assert!(!leader.wait().expect("it ends").success());
        assert!(!run.exists());
    }

    #[test]
    fn a_folder_to_keep_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().as_os_str().as_bytes();
        let resources = resources(&[&[b"folder ", path].concat(), &[b"keep ", path].concat()]);
        assert_eq!(resources.clean_up(&[]), Vec::<String>::new());
        assert!(folder.path().exists());
    }

    #[test]
    fn a_lock_file_is_removed_unless_another_run_holds_the_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        let (left, held) = (folder.path().join("left"), folder.path().join("held"));
        fs::write(&left, "").expect("a file");
        let _other_run = Lock::create(&held).expect("to open").expect("to lock");
        let record = |path: &Path| [b"lock ", path.as_os_str().as_bytes()].concat();
        let resources = resources(&[&record(&left), &record(&held)]);
        assert_eq!(resources.clean_up(&[]), Vec::<String>::new());
        assert!(!left.exists() && held.exists());
    }

    #[test]
    fn a_file_that_cannot_be_removed_is_reported() {
        let left = resources(&[b"file /proc/version"]).clean_up(&[]);
        assert!(
            left.len() == 1 && left[0].contains("/proc/version"),
            "{left:?}"
        );
    }
}
