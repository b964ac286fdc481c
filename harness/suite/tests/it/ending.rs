//! A run leaves nothing behind, however it ends.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Place, Ran, manifest, suite};

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(status.expect("kill runs").success());
}

/// Waits until the run has processes of its own.
fn under_way(place: &Place) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while place.left_processes().len() < 4 {
        assert!(Instant::now() < deadline, "{}", place.written());
        std::thread::yield_now();
    }
}

#[track_caller]
fn interrupted(name: &str) {
    let place = Place::new();
    place.reference();
    let mut child = place.start(&["run"]);
    under_way(&place);
    signal(&child, name);
    let status = child.wait().expect("the suite ends");
    let text = place.written();
    assert_eq!(status.code(), Some(130), "{text}");
    assert!(
        text.contains("partial") || text.contains("not conformant"),
        "{text}"
    );
    place.assert_nothing_left();
}

#[test]
fn ctrl_c_ends_a_run_with_status_130() {
    interrupted("-INT");
}

#[test]
fn sigterm_ends_a_run_with_status_130() {
    interrupted("-TERM");
}

#[test]
fn a_terminal_that_closes_ends_a_run_with_status_130() {
    interrupted("-HUP");
}

#[test]
fn ctrl_c_on_a_terminal_reaches_the_whole_group_and_leaves_nothing() {
    let place = Place::new();
    place.reference();
    let mut child = place
        .command(&["run"])
        .process_group(0)
        .stdout(Stdio::null())
        .spawn()
        .expect("the suite starts");
    under_way(&place);
    let group = format!("-{}", child.id());
    let sent = Command::new("kill").args(["-INT", "--", &group]).status();
    assert!(sent.expect("kill runs").success());
    assert_eq!(child.wait().expect("the suite ends").code(), Some(130));
    place.assert_nothing_left();
}

#[test]
fn sigkill_at_any_moment_of_the_start_leaves_nothing() {
    let place = Place::new();
    place.reference();
    // While `initdb` runs, while the servers start, while the first scenarios run.
    for processes in [2, 3, 4, 5, 6, 8] {
        let mut child = place.start(&["run"]);
        let deadline = Instant::now() + Duration::from_secs(30);
        while place.left_processes().len() < processes {
            assert!(Instant::now() < deadline, "{}", place.written());
            std::thread::yield_now();
        }
        signal(&child, "-KILL");
        child.wait().expect("the suite ends");
        place.assert_nothing_left();
    }
}

#[test]
fn sigkill_leaves_nothing_and_the_next_run_is_green() {
    let place = Place::new();
    place.reference();
    let mut child = place.start(&["run"]);
    under_way(&place);
    signal(&child, "-KILL");
    child.wait().expect("the suite ends");
    place.assert_nothing_left();
    place
        .run(&["run", "--clause", "USR-1"])
        .check(0, &["passed, 0 failed"]);
    place.assert_nothing_left();
}

/// A program that leaves an orphan behind: in its own session and without the run's variables. Its argument
/// contains the path of the place.
const LEAVES_AN_ORPHAN: &str =
    "(env -i setsid tail -f \"$0\" >/dev/null 2>&1 </dev/null &)\nexec tail -f /dev/null";

#[test]
fn an_orphan_without_the_run_s_groups_and_variables_is_killed_with_the_run() {
    let place = Place::new();
    place.subject_script(LEAVES_AN_ORPHAN);
    let mut child = place.start(&["run", "--clause", "USR-1", "--jobs", "1"]);
    wait_for_orphan(&place);
    signal(&child, "-TERM");
    assert_eq!(child.wait().expect("the suite ends").code(), Some(130));
    place.assert_nothing_left();
}

#[test]
fn sigkill_leaves_no_orphan() {
    let place = Place::new();
    place.subject_script(LEAVES_AN_ORPHAN);
    let mut child = place.start(&["run", "--clause", "USR-1", "--jobs", "1"]);
    wait_for_orphan(&place);
    // The watchdog finds the orphan at its next poll, which has no observable effect.
    let (_sender, never) = std::sync::mpsc::channel::<()>();
    assert!(never.recv_timeout(Duration::from_secs(1)).is_err());
    signal(&child, "-KILL");
    child.wait().expect("the suite ends");
    place.assert_nothing_left();
}

/// Waits until the program's orphan runs.
fn wait_for_orphan(place: &Place) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let is_orphan =
        |process: &String| process.contains(": tail -f ") && process.contains("/subject");
    while !place.left_processes().iter().any(is_orphan) {
        assert!(Instant::now() < deadline, "{}", place.written());
        std::thread::yield_now();
    }
}

#[test]
fn a_suite_that_runs_out_of_descriptors_reports_errors_instead_of_failures() {
    for limit in [66, 70] {
        let place = Place::new();
        place.reference();
        let script = format!(
            "ulimit -n {limit}; exec {} run --jobs 8 --clause USR-1 --clause USR-7 --clause STR-1",
            suite()
        );
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &script])
            .current_dir(place.path())
            .env("TMPDIR", place.temp())
            .env("CI", "true");
        let ran = Ran::from(shell.output().expect("a shell"));
        assert_ne!(ran.status, Some(1), "{limit}: {}", ran.text);
        assert!(
            !ran.text.contains("not conformant"),
            "{limit}: {}",
            ran.text
        );
        place.assert_nothing_left();
    }
}

/// A run that is still building its subject when the signal comes.
#[track_caller]
fn ended_while_building(name: &str) -> Option<i32> {
    let place = Place::new();
    let build =
        "contract = \"1\"\nbuild = [\"sh\", \"-c\", \"tail -f /dev/null & tail -f /dev/null\"]";
    place.write(
        "conformance.toml",
        &manifest("\"x\"").replace("contract = \"1\"", build),
    );
    let mut child = place.start(&["run"]);
    under_way(&place);
    signal(&child, name);
    let status = child.wait().expect("the suite ends");
    place.assert_nothing_left();
    status.code()
}

#[test]
fn a_signal_ends_the_build_of_the_subject() {
    assert_eq!(ended_while_building("-TERM"), Some(130));
    assert_eq!(ended_while_building("-HUP"), Some(130));
    assert_eq!(ended_while_building("-KILL"), None);
}

#[test]
fn what_a_killed_run_left_is_removed_later_and_a_live_run_loses_nothing() {
    let place = Place::new();
    place.reference();
    let mut dead = place.start(&["run"]);
    under_way(&place);
    place.kill_watchdog();
    signal(&dead, "-KILL");
    dead.wait().expect("the suite ends");
    assert!(!place.left_files().is_empty());
    let mut alive = place.start(&["run", "--clause", "USR-1", "--clause", "USR-2"]);
    place.run(&["clean"]).check(0, &["removed folder "]);
    let status = alive.wait().expect("the suite ends");
    assert_eq!(status.code(), Some(0), "{}", place.written());
    place.assert_nothing_left();
}

#[test]
fn two_runs_at_once_do_not_meet() {
    let place = Place::new();
    place.reference();
    let mut first = place.start(&["run", "--clause", "USR-1", "--clause", "USR-2"]);
    place
        .run(&["run", "--clause", "USR-1", "--clause", "USR-2"])
        .check(0, &["passed, 0 failed"]);
    let status = first.wait().expect("the suite ends");
    assert_eq!(status.code(), Some(0), "{}", place.written());
    place.assert_nothing_left();
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let place = Place::new();
    place.reference();
    // A device without room, in the place of the report's folder.
    std::os::unix::fs::symlink("/dev/full", place.path().join("out")).expect("a link");
    place
        .run(&["run", "--clause", "USR-1", "--report", "out"])
        .check(2, &["out"]);
    place.assert_nothing_left();
}

#[test]
fn a_disk_that_fills_leaves_no_half_report() {
    let place = Place::new();
    place.reference();
    let folder = place.path().join("report");
    std::fs::create_dir(&folder).expect("a folder");
    let Some(_disk) = Disk::mount(&folder) else {
        println!("not tested: mounting a disk without room takes root");
        return;
    };
    place
        .run(&["run", "--clause", "USR-1", "--report", "report"])
        .check(
            2,
            &[
                "cannot write the report report/",
                "No space left on device",
                "8 passed, 1 failed",
            ],
        );
    // What was written before the disk was full says that it is not the whole.
    for file in std::fs::read_dir(&folder).expect("the report") {
        let file = file.expect("a file").path();
        let text = std::fs::read_to_string(&file).expect("a report");
        assert!(
            text.contains("\"complete\": false") || text.contains("it was interrupted"),
            "{}: {text}",
            file.display()
        );
    }
    place.assert_nothing_left();
}

/// A disk with room for one page, which the probe at the start fits into.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=4k", "tmpfs"])
            .arg(at)
            .stderr(Stdio::null());
        let mounted = mount.status().is_ok_and(|it| it.success());
        mounted.then(|| Self(at.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|it| it.success()) || std::thread::panicking());
    }
}

#[test]
fn every_report_states_the_same_verdict() {
    let place = Place::new();
    place.reference();
    let ran = place.run(&["run", "--clause", "USR-1", "--report", "out", "--seed", "7"]);
    ran.check(0, &["partial", "seed 7"]);
    let read = |name: &str| {
        std::fs::read_to_string(place.path().join("out").join(name)).expect("a report")
    };
    let verdict: serde_json::Value = serde_json::from_str(&read("verdict.json")).expect("JSON");
    assert_eq!(verdict["verdicts"][0]["verdict"], "partial");
    assert_eq!(verdict["seed"], 7);
    assert!(read("junit.xml").contains("partial"));
}
