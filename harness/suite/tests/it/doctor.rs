//! `conformance doctor`: it finds what a run would find.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::support::{Place, Ran, suite};

/// `conformance doctor` behind another program, which changes the machine for it; `None` if that takes
/// rights that this user does not have.
fn doctor_behind(place: &Place, program: &[&str]) -> Option<Ran> {
    let changed = |program_of_suite: &str, argument: &str| {
        let mut command = Command::new(program[0]);
        command
            .args(&program[1..])
            .args([program_of_suite, argument])
            .current_dir(place.path())
            .env("TMPDIR", place.temp())
            .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
            .output()
            .ok()
    };
    if !changed("/bin/true", "")?.status.success() {
        println!("not tested: {program:?} takes root");
        return None;
    }
    changed(suite(), "doctor").map(Ran::from)
}

#[test]
fn a_machine_on_which_a_run_works_is_ready_and_nothing_is_left() {
    let place = Place::new();
    place
        .run(&["doctor"])
        .check(0, &["PostgreSQL: ready", "Redis: ready"]);
    place.assert_nothing_left();
}

#[test]
fn a_folder_that_the_server_s_user_cannot_enter_is_named() {
    let place = Place::new();
    let private = place.temp().join("private");
    fs::create_dir_all(private.join("tmp")).expect("folders");
    fs::set_permissions(&private, fs::Permissions::from_mode(0o700)).expect("its mode");
    let mut doctor = place.command(&["doctor"]);
    doctor.env("TMPDIR", private.join("tmp"));
    let ran = Ran::from(doctor.output().expect("the suite runs"));
    if ran.status == Some(0) {
        println!("not tested: PostgreSQL runs as another user only for root");
        return;
    }
    let folder = format!("cannot enter the folder {} (mode 0700)", private.display());
    ran.check(
        2,
        &[
            "PostgreSQL: not usable",
            &folder,
            "set TMPDIR",
            "Redis: ready",
        ],
    );
}

#[test]
fn a_disk_without_room_is_named() {
    let place = Place::new();
    let script = format!(
        "mount -t tmpfs -o size=64k,mode=1777 tmpfs {0} && mount -t tmpfs -o size=64k tmpfs /dev/shm && exec \"$@\"",
        place.temp().display()
    );
    let behind = ["unshare", "--mount", "sh", "-c", &script, "sh"];
    let Some(ran) = doctor_behind(&place, &behind) else {
        return;
    };
    let room = format!("({}", place.temp().display());
    ran.check(2, &["PostgreSQL: not usable", &room, "has room for"]);
}

#[test]
fn a_user_namespace_without_the_server_s_user_is_named() {
    let place = Place::new();
    let behind = ["unshare", "--user", "--map-root-user"];
    let Some(ran) = doctor_behind(&place, &behind) else {
        return;
    };
    ran.check(
        2,
        &[
            "PostgreSQL: not usable",
            "this user namespace does not have that user",
        ],
    );
}

#[test]
fn a_loopback_interface_that_is_down_is_named_at_once_by_a_run_as_well() {
    let place = Place::new();
    place.reference();
    let Some(ran) = doctor_behind(&place, &["unshare", "--net"]) else {
        return;
    };
    ran.check(2, &["is the loopback interface up?", "ip link set lo up"]);
    let mut run = Command::new("unshare");
    run.args(["--net", suite(), "run", "--clause", "USR-1"])
        .current_dir(place.path())
        .env("TMPDIR", place.temp());
    Ran::from(run.output().expect("the suite runs")).check(2, &["is the loopback interface up?"]);
    place.assert_nothing_left();
}

#[test]
fn an_empty_docker_host_counts_as_unset_and_docker_s_context_decides() {
    let place = Place::new();
    place.write(
        ".docker/contexts/meta/00/meta.json",
        r#"{"Name":"mine","Endpoints":{"docker":{"Host":"unix:///nowhere/mine.sock"}}}"#,
    );
    place.write(".docker/config.json", r#"{"currentContext":"mine"}"#);
    let doctor = |variables: &[(&str, &str)]| {
        let mut command = place.command(&["doctor"]);
        command
            .env("HOME", place.path())
            .env_remove("DOCKER_HOST")
            .env_remove("DOCKER_CONTEXT")
            .env_remove("DOCKER_CONFIG")
            .envs(variables.iter().copied());
        Ran::from(command.output().expect("the suite runs"))
    };
    let mine = "no container engine answers at unix:///nowhere/mine.sock";
    doctor(&[]).check(0, &[mine]);
    doctor(&[("DOCKER_HOST", "")]).check(0, &[mine]);
    doctor(&[("DOCKER_CONTEXT", "gone")]).check(0, &["DOCKER_CONTEXT names the context `gone`"]);
    doctor(&[("DOCKER_HOST", "unix:///nowhere/other.sock")]).check(
        0,
        &["no container engine answers at unix:///nowhere/other.sock"],
    );
}

#[test]
fn a_reader_that_has_seen_enough_is_not_an_error() {
    let place = Place::new();
    let script = format!(
        "{{ {} list; echo \"status $?\" >&2; }} | head -n 1",
        suite()
    );
    let listed = Command::new("sh")
        .args(["-c", &script])
        .current_dir(place.path())
        .output();
    let ran = Ran::from(listed.expect("a shell runs"));
    ran.check(0, &["status 0"]);
    assert!(!ran.text.contains("error"), "{}", ran.text);
}
