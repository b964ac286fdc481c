//! Backends that are missing, wrong, or die.

use std::process::Command;

use crate::support::{Place, Ran};

/// A scenario that needs PostgreSQL and Redis.
const ONE: &[&str] = &["run", "--clause", "USR-1", "--jobs", "1"];

/// A PATH without any server: the shell's own tools only.
fn bare(place: &Place) -> String {
    let folder = place.path().join("bin");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder.to_string_lossy().into_owned()
}

#[test]
fn a_forced_provider_that_is_not_there_is_reported() {
    let place = Place::new();
    place.reference();
    let run = |more: &[&str]| {
        let arguments = [ONE, &["--backends", "container"], more].concat();
        let mut command = place.command(&arguments);
        command.env("DOCKER_HOST", "unix:///nowhere/docker.sock");
        Ran::from(command.output().expect("the suite runs"))
    };
    run(&[]).check(2, &["not run", "container", "partial"]);
    // Accepted, yet nothing was judged: that is no success either.
    run(&["--allow-missing"]).check(2, &["partial", "no scenario was executed"]);
    place.assert_nothing_left();
}

#[test]
fn a_redis_of_the_wrong_version_is_reported() {
    let place = Place::new();
    place.reference();
    let folder = bare(&place);
    place.script(
        "bin/redis-server",
        "echo 'Redis server v=3.0.0 sha=0 malloc=libc bits=64 build=0'",
    );
    let path = format!("{folder}:{}", std::env::var("PATH").expect("a PATH"));
    let output = place
        .command(ONE)
        .env("PATH", path)
        .output()
        .expect("the suite runs");
    Ran::from(output).check(2, &["not run", "redis-server", "3.0.0"]);
    place.assert_nothing_left();
}

#[test]
fn a_server_that_hangs_does_not_hold_up_ctrl_c() {
    let place = Place::new();
    place.reference();
    // It takes connections and never answers.
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("its address");
    let mut child = place
        .command(ONE)
        .env(
            "CONFORMANCE_POSTGRES_URL",
            format!("postgres://x:x@{address}/x"),
        )
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the suite starts");
    let _connection = server.accept().expect("a connection");
    let begun = std::time::Instant::now();
    let pid = child.id().to_string();
    Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .expect("kill runs");
    assert_eq!(child.wait().expect("the suite ends").code(), Some(130));
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    place.assert_nothing_left();
}

#[test]
fn an_external_backend_that_does_not_answer_is_an_error() {
    let place = Place::new();
    place.reference();
    let output = place
        .command(ONE)
        .env(
            "CONFORMANCE_POSTGRES_URL",
            "postgres://stranger:secret-word@127.0.0.1:1/x",
        )
        .output()
        .expect("the suite runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("127.0.0.1:1"), "{text}");
    assert!(text.contains("unknown"), "an error is no verdict: {text}");
    assert!(!text.contains("secret-word"), "{text}");
    place.assert_nothing_left();
}

#[test]
fn a_backend_that_dies_in_the_middle_is_an_error_and_no_failure() {
    let place = Place::new();
    place.reference();
    let mut child = place.start(&[
        "run", "--clause", "USR-3", "--clause", "USR-4", "--clause", "USR-5",
    ]);
    let postmaster = wait_for_postmaster(&place);
    Command::new("kill")
        .args(["-9", &postmaster])
        .status()
        .expect("kill runs");
    let status = child.wait().expect("the suite ends");
    let text = place.written();
    assert_eq!(status.code(), Some(2), "{text}");
    assert!(text.contains("postgres"), "{text}");
    assert!(!text.contains("not conformant"), "{text}");
    place.assert_nothing_left();
}

/// The number of the run's PostgreSQL server, once its first instance of the reference is there.
fn wait_for_postmaster(place: &Place) -> String {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let processes = place.left_processes();
        let subject_runs = processes.iter().any(|it| it.ends_with("user-service "));
        let postmaster = processes
            .iter()
            .find(|it| it.contains("postgres") && it.contains(" -D "));
        if let (true, Some(it)) = (subject_runs, postmaster) {
            return it.split(':').next().expect("a number").to_owned();
        }
        assert!(
            std::time::Instant::now() < deadline,
            "no server: {processes:#?}"
        );
        std::thread::yield_now();
    }
}
