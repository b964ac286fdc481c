//! Whatever ends a run, nothing is left.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::support::Place;

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status();
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
    assert!(text.contains("partial") || text.contains("not conformant"), "{text}");
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
fn sigkill_leaves_nothing_and_the_next_run_is_green() {
    let place = Place::new();
    place.reference();
    let mut child = place.start(&["run"]);
    under_way(&place);
    signal(&child, "-KILL");
    child.wait().expect("the suite ends");
    place.assert_nothing_left();
    place.run(&["run", "--clause", "USR-1"]).check(0, &["passed, 0 failed"]);
    place.assert_nothing_left();
}

#[test]
fn two_runs_at_once_do_not_meet() {
    let place = Place::new();
    place.reference();
    let mut first = place.start(&["run", "--clause", "USR-1", "--clause", "USR-2"]);
    place.run(&["run", "--clause", "USR-1", "--clause", "USR-2"]).check(0, &["passed, 0 failed"]);
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
fn every_report_states_the_same_verdict() {
    let place = Place::new();
    place.reference();
    let ran = place.run(&["run", "--clause", "USR-1", "--report", "out", "--seed", "7"]);
    ran.check(0, &["partial", "seed 7"]);
    let read = |name: &str| std::fs::read_to_string(place.path().join("out").join(name)).expect("a report");
    let verdict: serde_json::Value = serde_json::from_str(&read("verdict.json")).expect("JSON");
    assert_eq!(verdict["verdicts"][0]["verdict"], "partial");
    assert_eq!(verdict["seed"], 7);
    assert!(read("junit.xml").contains("partial"));
}
