//! Backends in containers. Where an engine answers: `cargo test -- --ignored`.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::Place;

/// The containers of the runs of a place.
fn containers(place: &Place) -> Vec<String> {
    let listed = Command::new("docker")
        .args(["ps", "--all", "--filter", "label=conformance.run"])
        .args(["--format", "{{.Label \"conformance.folder\"}} {{.Names}}"])
        .output()
        .expect("docker runs");
    assert!(listed.status.success(), "{listed:?}");
    let temp = place.temp().display().to_string();
    let lines = String::from_utf8_lossy(&listed.stdout).into_owned();
    lines
        .lines()
        .filter(|it| it.starts_with(&temp))
        .map(str::to_owned)
        .collect()
}

fn wait_for(place: &Place, what: &str, is_so: impl Fn(&[String]) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let all = containers(place);
        if is_so(&all) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{what}: {all:#?}\n{}",
            place.written()
        );
        std::thread::yield_now();
    }
}

#[test]
fn an_engine_that_is_not_there_is_reported() {
    let place = Place::new();
    place.reference();
    let output = place
        .command(&["run", "--clause", "USR-1", "--backends", "container"])
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .output()
        .expect("the suite runs");
    crate::support::Ran::from(output).check(
        2,
        &[
            "not run",
            "no container engine answers at unix:///nowhere/docker.sock",
            "partial",
        ],
    );
    let output = place
        .command(&["doctor"])
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .output()
        .expect("the suite runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("container  none: no container engine answers"),
        "{text}"
    );
    place.assert_nothing_left();
}

#[test]
#[ignore = "wants a container engine: ci/setup --containers"]
fn a_run_in_containers_leaves_none() {
    let place = Place::new();
    place.reference();
    place
        .run(&["run", "--clause", "USR-1", "--backends", "container"])
        .check(0, &["(container)", "passed, 0 failed"]);
    assert_eq!(containers(&place), Vec::<String>::new());
    place.assert_nothing_left();
}

#[test]
#[ignore = "wants a container engine: ci/setup --containers"]
fn sigkill_leaves_no_container() {
    let place = Place::new();
    place.reference();
    // While the first is made, and while there are several.
    for count in [0, 1, 3] {
        let mut child = place.start(&["run", "--backends", "container"]);
        wait_for(&place, "no containers", |it| it.len() >= count);
        child.kill().expect("it runs");
        child.wait().expect("the suite ends");
        wait_for(&place, "containers are left", <[String]>::is_empty);
        place.assert_nothing_left();
    }
}

#[test]
#[ignore = "wants a container engine: ci/setup --containers"]
fn what_the_watchdog_could_not_remove_is_removed_by_clean() {
    let place = Place::new();
    place.reference();
    let mut child = place.start(&["run", "--backends", "container"]);
    wait_for(&place, "no containers", |it| it.len() >= 2);
    place.kill_watchdog();
    child.kill().expect("it runs");
    child.wait().expect("the suite ends");
    assert!(!containers(&place).is_empty());
    place
        .run(&["clean"])
        .check(0, &["removed container conformance-", "removed folder "]);
    assert_eq!(containers(&place), Vec::<String>::new());
    place.assert_nothing_left();
}
