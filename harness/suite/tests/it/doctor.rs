//! `conformance doctor` reports what would fail a run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{Place, Ran, suite};

/// The folder of the user's caches, where `ci/setup` puts programs that it builds.
fn cache_folder() -> PathBuf {
    let folder = std::env::var_os("XDG_CACHE_HOME").filter(|it| !it.is_empty());
    folder.map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache"),
        PathBuf::from,
    )
}

/// Runs `conformance doctor` by a wrapper, which changes its environment; `None` if this user has no permission
/// to do that.
fn doctor_in(place: &Place, wrapper: &[&str]) -> Option<Ran> {
    let run = |program: &str, argument: &str| {
        let mut command = Command::new(wrapper[0]);
        command
            .args(&wrapper[1..])
            .args([program, argument])
            .current_dir(place.path())
            .env("TMPDIR", place.temp())
            .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
            .output()
            .ok()
    };
    if !run("/bin/true", "")?.status.success() {
        println!("not tested: {wrapper:?} requires root");
        return None;
    }
    run(suite(), "doctor").map(Ran::from)
}

#[test]
fn a_machine_on_which_runs_work_is_ready_and_doctor_leaves_nothing_behind() {
    let place = Place::new();
    place.run(&["doctor"]).check(
        0,
        &[
            "PostgreSQL: ready",
            "Redis: ready",
            "Prometheus: ready",
            "Jaeger: ready",
        ],
    );
    place.assert_nothing_left();
}

#[test]
fn a_folder_that_the_server_s_user_cannot_enter_is_reported() {
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
fn a_full_disk_is_reported() {
    let place = Place::new();
    let script = format!(
        "mount -t tmpfs -o size=64k,mode=1777 tmpfs {0} && mount -t tmpfs -o size=64k tmpfs /dev/shm && exec \"$@\"",
        place.temp().display()
    );
    let wrapper = ["unshare", "--mount", "sh", "-c", &script, "sh"];
    let Some(ran) = doctor_in(&place, &wrapper) else {
        return;
    };
    let space = format!("kB are free in {}", place.temp().display());
    ran.check(2, &["PostgreSQL: not usable", &space]);
}

#[test]
fn a_user_namespace_without_the_server_s_user_is_reported() {
    let place = Place::new();
    let wrapper = ["unshare", "--user", "--map-root-user"];
    let Some(ran) = doctor_in(&place, &wrapper) else {
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
fn a_loopback_interface_that_is_down_is_reported_by_doctor_and_run() {
    let place = Place::new();
    place.reference();
    let Some(ran) = doctor_in(&place, &["unshare", "--net"]) else {
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
fn an_empty_docker_host_counts_as_unset_and_the_docker_context_is_used() {
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
            .env("XDG_CACHE_HOME", cache_folder())
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
fn a_closed_pipe_does_not_change_the_exit_status_of_list() {
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
