//! What the harness has recorded, and its removal.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::adopted::Adopted;
use super::containers;
use super::lock::{Lock, is_gone};
use super::sweep::RunProcesses;

/// Ends a record: the one byte that no path holds.
pub(super) const END: u8 = 0;

/// How long the watchdog tries before it says what it could not end or remove.
const SWEEP_LIMIT: Duration = Duration::from_secs(2);

/// What the harness has recorded: everything that must not outlive the run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    groups: BTreeSet<i32>,
    pub(super) folders: BTreeSet<PathBuf>,
    kept: BTreeSet<PathBuf>,
    files: BTreeSet<PathBuf>,
    pub(super) locks: BTreeSet<PathBuf>,
    pub(super) containers: BTreeSet<String>,
    pub(super) adopted: Adopted,
}

impl Ledger {
    /// Reads records until the pipe closes.
    pub(super) fn read(mut from: impl BufRead) -> Self {
        let mut ledger = Self::default();
        let mut record = Vec::new();
        // A record without its end is of a harness that was killed on the way: half a path is another path.
        while from.read_until(END, &mut record).is_ok() && record.pop() == Some(END) {
            ledger.apply(&record);
            record.clear();
        }
        ledger
    }

    /// Takes one record, `VERB OBJECT`; what it does not understand it leaves.
    fn apply(&mut self, record: &[u8]) {
        let mut parts = record.splitn(2, |it| *it == b' ');
        let (Some(verb), Some(object)) = (parts.next(), parts.next()) else {
            return;
        };
        let name = str::from_utf8(object)
            .ok()
            .filter(|it| it.starts_with("conformance-"));
        // 0 and 1 are the kernel's; a negative number would mean every process.
        let group = str::from_utf8(object)
            .ok()
            .and_then(|it| it.parse().ok())
            .filter(|it| *it > 1);
        let path = Some(PathBuf::from(OsStr::from_bytes(object)))
            .filter(|it| it.is_absolute() && it.parent().is_some());
        match (verb, name) {
            (b"container", Some(name)) => _ = self.containers.insert(name.to_owned()),
            (b"container-gone", Some(name)) => _ = self.containers.remove(name),
            _ => {}
        }
        match (verb, group, path) {
            (b"group", Some(group), _) => _ = self.groups.insert(group),
            (b"harness", Some(harness), _) => self.adopted.harness = Some(harness),
            (b"gone", Some(group), _) => _ = self.groups.remove(&group),
            (b"folder", _, Some(path)) => _ = self.folders.insert(path),
            (b"keep", _, Some(path)) => _ = self.kept.insert(path),
            (b"file", _, Some(path)) => _ = self.files.insert(path),
            (b"lock", _, Some(path)) => _ = self.locks.insert(path),
            _ => {}
        }
    }

    /// Ends and removes everything; returns what is left.
    pub(super) fn sweep(&self, excluded: &[i32]) -> Vec<String> {
        let mut left = self.sweep_machine(excluded);
        left.extend(containers::remove(&self.containers));
        left
    }

    /// The same for processes, memory and files.
    fn sweep_machine(&self, excluded: &[i32]) -> Vec<String> {
        let marks = RunProcesses {
            groups: &self.groups,
            folders: &self.folders,
            adopted: &self.adopted,
            excluded,
        };
        let begun = Instant::now();
        let mut memory = BTreeSet::new();
        let mut processes = marks.kill(&mut memory);
        loop {
            let late = begun.elapsed() > SWEEP_LIMIT;
            let mut left: Vec<String> =
                processes.iter().map(|it| format!("process {it}")).collect();
            if processes.is_empty() || late {
                left.extend(self.remove());
                left.extend(memory.iter().filter_map(|it| it.remove().err()));
                // What the harness was just starting when it was killed shows only now.
                processes = marks.kill(&mut memory);
                if late || (left.is_empty() && processes.is_empty()) {
                    return left;
                }
            }
            pause();
            processes = marks.kill(&mut memory);
        }
    }

    /// Removes folders, files and locks; returns what is left.
    fn remove(&self) -> Vec<String> {
        let folders = self
            .folders
            .difference(&self.kept)
            .map(|it| (it, remove_folder(it)));
        let files = self.files.iter().map(|it| (it, fs::remove_file(it)));
        // One that is held is the harness's own, which removes it, or already another run's.
        let locks = self.locks.iter().map(|it| (it, Lock::take(it).map(drop)));
        folders
            .chain(files)
            .chain(locks)
            .filter_map(|(path, removed)| removed.err().map(|error| (path, error)))
            .filter(|(_, error)| !is_gone(error))
            .map(|(path, error)| format!("{} ({error}); remove it by hand", path.display()))
            .collect()
    }
}

fn remove_folder(path: &Path) -> io::Result<()> {
    fs::remove_dir_all(path).or_else(|error| {
        if error.kind() != io::ErrorKind::PermissionDenied {
            return Err(error);
        }
        // A program may have made folders that it did not want to be written.
        open_up(path);
        fs::remove_dir_all(path)
    })
}

/// Lets the owner do everything in a folder and those below.
fn open_up(folder: &Path) {
    // What cannot be opened up shows in the removal that follows.
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|it| it.is_dir()) {
            open_up(&entry.path());
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the watchdog is alone in its process, and the kernel sends no notification of an end"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(2));
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt as _;
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn ledger(records: &[&[u8]]) -> Ledger {
        let mut ledger = Ledger::default();
        for record in records {
            ledger.apply(record);
        }
        ledger
    }

    /// A shell in a group of its own, once its script has printed a line.
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

    fn runs(pid: &str) -> bool {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(')')
            .is_some_and(|it| !it.1.starts_with(" Z"))
    }

    #[test]
    fn a_group_that_has_ended_is_forgotten() {
        assert_eq!(ledger(&[b"group 77", b"gone 77"]), Ledger::default());
    }

    #[test]
    fn only_containers_of_a_run_are_ever_removed() {
        let ledger = ledger(&[
            b"container conformance-1-redis-1",
            b"container conformance-1-redis-2",
            b"container-gone conformance-1-redis-1",
            b"container of-another-program",
        ]);
        let left = BTreeSet::from(["conformance-1-redis-2".to_owned()]);
        assert_eq!(ledger.containers, left);
    }

    #[test]
    fn what_is_no_group_is_never_killed() {
        // kill(-1) would end everything, kill(0) the watchdog's own group.
        let records: [&[u8]; 6] = [
            b"group 1",
            b"group 0",
            b"group -1",
            b"group x",
            b"rubbish",
            b"",
        ];
        assert_eq!(ledger(&records), Ledger::default());
    }

    #[test]
    fn what_is_no_folder_of_a_run_is_never_removed() {
        assert_eq!(
            ledger(&[b"folder /", b"folder ", b"folder relative", b"file x"]),
            Ledger::default()
        );
    }

    #[test]
    fn a_path_may_hold_spaces_newlines_and_what_is_no_text() {
        let folders = ledger(&[b"folder /tmp/a b\nc\xff"]).folders;
        assert_eq!(
            folders,
            BTreeSet::from([PathBuf::from(OsStr::from_bytes(b"/tmp/a b\nc\xff"))])
        );
    }

    #[test]
    fn half_a_record_is_none() {
        let ledger = Ledger::read(&b"folder /tmp/run-1\0folder /tmp"[..]);
        assert_eq!(
            ledger.folders,
            BTreeSet::from([PathBuf::from("/tmp/run-1")])
        );
    }

    #[test]
    fn a_group_a_stray_and_a_child_that_hides_are_ended_and_the_folder_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = folder.path().join("run");
        fs::create_dir_all(run.join("tmp/locked")).expect("folders");
        fs::set_permissions(run.join("tmp/locked"), fs::Permissions::from_mode(0o000))
            .expect("its mode");
        let tmp = run.join("tmp");
        // In no group of the ledger, and outlived by its parent.
        let (mut parent, stray) = shell("setsid sleep 600 >&- & echo $!", &tmp);
        parent.wait().expect("it ends");
        // Without the variable, in a session of its own, but below a process that is known.
        let (mut hider, hidden) = shell("env -i setsid sleep 600 & echo $!; wait", Path::new("/"));
        let group = format!("group {}", hider.id());
        let folder = [b"folder ", run.as_os_str().as_bytes()].concat();
        let left = ledger(&[group.as_bytes(), &folder]).sweep(&[]);
        assert_eq!(left, Vec::<String>::new());
        assert!(!runs(&stray) && !runs(&hidden), "{stray} {hidden}");
        assert!(!hider.wait().expect("it ends").success());
        assert!(!run.exists());
    }

    #[test]
    fn a_folder_to_keep_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().as_os_str().as_bytes();
        let ledger = ledger(&[&[b"folder ", path].concat(), &[b"keep ", path].concat()]);
        assert_eq!(ledger.sweep(&[]), Vec::<String>::new());
        assert!(folder.path().exists());
    }

    #[test]
    fn a_lock_goes_unless_another_run_has_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let (left, taken) = (folder.path().join("left"), folder.path().join("taken"));
        fs::write(&left, "").expect("a file");
        let _theirs = Lock::make(&taken).expect("to open").expect("to lock");
        let record = |path: &Path| [b"lock ", path.as_os_str().as_bytes()].concat();
        let ledger = ledger(&[&record(&left), &record(&taken)]);
        assert_eq!(ledger.sweep(&[]), Vec::<String>::new());
        assert!(!left.exists() && taken.exists());
    }

    #[test]
    fn what_cannot_be_removed_is_reported() {
        let left = ledger(&[b"file /proc/version"]).sweep(&[]);
        assert!(
            left.len() == 1 && left[0].contains("/proc/version"),
            "{left:?}"
        );
    }
}
