//! Tests with instances of small programs: start, output and end.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::timeout;

use super::instance::{Exit, Instance, Launch};
use super::output::Stream;
use crate::sandbox::watchdog::Watchdog;

/// Limit of every wait; generous even for a busy machine.
const WAIT_LIMIT: Duration = Duration::from_secs(20);

fn launch(program: impl Into<PathBuf>, args: &[&str]) -> Launch {
    Launch {
        name: "thing #1".to_owned(),
        program: program.into(),
        args: args.iter().map(|argument| (*argument).to_owned()).collect(),
        dir: PathBuf::from("/"),
        env: BTreeMap::from([("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())]),
    }
}

fn start(launch: &Launch) -> Instance {
    Instance::start(launch, &Watchdog::without_process()).expect("it starts")
}

fn shell(script: &str) -> Instance {
    start(&launch("/bin/sh", &["-c", script]))
}

async fn wait_for_exit(instance: &Instance) -> Exit {
    timeout(WAIT_LIMIT, instance.wait_for_exit())
        .await
        .expect("it ends in time")
}

/// The lines that the instance has written.
fn lines(instance: &Instance) -> Vec<String> {
    let lines = instance.output().lines();
    lines
        .iter()
        .map(|line| String::from_utf8_lossy(&line.bytes).into_owned())
        .collect()
}

async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(
            started.elapsed() < WAIT_LIMIT,
            "not within {WAIT_LIMIT:?}: {what}"
        );
        tokio::task::yield_now().await;
    }
}

fn is_running(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')')
        .is_some_and(|(_, fields)| !fields.starts_with(" Z"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_waiter_gets_the_exit_status_after_all_output_was_read() {
    let instance = shell("echo out; echo err >&2; exit 3");
    let (one, other) = tokio::join!(wait_for_exit(&instance), wait_for_exit(&instance));
    assert_eq!((one, instance.exit()), (other, Some(one)));
    assert_eq!((one.code, one.signal), (Some(3), None));
    assert!(one.to_string().starts_with("exit status 3"), "{one}");
    let mut lines: Vec<_> = instance
        .output()
        .lines()
        .iter()
        .map(|it| (it.stream == Stream::Stderr, it.bytes.clone()))
        .collect();
    lines.sort();
    let bytes: Vec<_> = lines.iter().map(|it| (it.0, &*it.1)).collect();
    assert_eq!(bytes, [(false, &b"out"[..]), (true, b"err")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_is_sent_to_the_process_and_a_death_by_signal_is_reported() {
    let instance = shell("trap 'exit 7' TERM; echo set; while :; do :; done");
    wait_until("the trap", || !lines(&instance).is_empty()).await;
    assert_eq!(instance.exit(), None);
    instance.signal(Signal::SIGTERM);
    assert_eq!(wait_for_exit(&instance).await.code, Some(7));
    let instance = shell("kill -9 $$");
    let exit = wait_for_exit(&instance).await;
    assert!(exit.to_string().starts_with("killed by signal 9"), "{exit}");
    // No effect: the process has ended.
    instance.signal(Signal::SIGTERM);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_only_the_given_environment() {
    let mut launch = launch("/usr/bin/env", &[]);
    launch.env.insert("ÜBER".to_owned(), "a b".to_owned());
    let instance = start(&launch);
    wait_for_exit(&instance).await;
    assert_eq!(
        lines(&instance),
        ["PATH=/usr/local/bin:/usr/bin:/bin", "ÜBER=a b"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn input_is_empty() {
    let instance = start(&launch("cat", &[]));
    assert_eq!(wait_for_exit(&instance).await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_in_the_group_is_killed_when_the_process_ends() {
    let instance = shell("sleep 600 & echo $!; exit 1");
    let exit = wait_for_exit(&instance).await;
    assert_eq!(exit.code, Some(1));
    let child = lines(&instance).remove(0);
    wait_until("the end of the child", || !is_running(&child)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_process_is_killed_with_its_group() {
    let instance = shell("sleep 600 & echo $!; kill -STOP $$");
    wait_until("its child", || !lines(&instance).is_empty()).await;
    let child = lines(&instance).remove(0);
    timeout(WAIT_LIMIT, instance.kill())
        .await
        .expect("it ends in time");
    assert_eq!(instance.exit().and_then(|it| it.signal), Some(9));
    wait_until("the end of the child", || !is_running(&child)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_an_instance_kills_it() {
    let instance = shell("echo $$; exec sleep 600");
    wait_until("its number", || !lines(&instance).is_empty()).await;
    let pid = instance.pid().to_string();
    assert_eq!(lines(&instance)[0], pid);
    drop(instance);
    wait_until("the end of the process", || !is_running(&pid)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grandchild_that_left_the_group_and_holds_the_output_does_not_block() {
    let instance = shell("setsid sh -c 'yes' & echo $! >&2; exit 4");
    assert_eq!(wait_for_exit(&instance).await.code, Some(4));
    let lines = instance.output().lines();
    let grandchild = lines
        .iter()
        .find(|it| it.stream == Stream::Stderr)
        .expect("its number");
    let grandchild: i32 = str::from_utf8(&grandchild.bytes)
        .expect("text")
        .parse()
        .expect("a number");
    // Its output is not read any more: it has ended by SIGPIPE, or is blocked and must be killed.
    let _ = kill(Pid::from_raw(grandchild), Signal::SIGKILL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_megabytes_of_random_output_neither_block_nor_exceed_the_limit() {
    let started = Instant::now();
    let instance = shell(
        "head -c 3000000 /dev/urandom; head -c 100000000 /dev/zero; yes | head -c 20000000 >&2; echo; echo the end",
    );
    assert_eq!(wait_for_exit(&instance).await.code, Some(0));
    let lines = instance.output().lines();
    let out = lines
        .iter()
        .rfind(|it| it.stream == Stream::Stdout)
        .expect("a line");
    assert_eq!(&*out.bytes, b"the end");
    assert!(instance.output().dropped_lines() > 0);
    assert!(lines.iter().map(|it| it.bytes.len()).sum::<usize>() <= 16 << 20);
    assert!(started.elapsed() < WAIT_LIMIT);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_and_processor_time_of_the_group_are_measured() {
    let instance = shell(
        "(i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done); echo done; exec tail -f /dev/null",
    );
    wait_until("its work", || !lines(&instance).is_empty()).await;
    assert!(instance.memory().expect("memory") > 100 << 10);
    let used = instance.cpu();
    assert!(used >= Duration::from_millis(20), "{used:?}");
    instance.kill().await;
    assert_eq!(instance.memory(), None);
    assert!(instance.cpu() >= used, "the end does not reset the time");
}

#[track_caller]
fn check_error(launch: &Launch, expected: &[&str]) {
    let error = Instance::start(launch, &Watchdog::without_process())
        .expect_err("it cannot start")
        .to_string();
    for text in [
        &[
            "cannot start thing #1",
            launch.program.to_str().expect("text"),
        ],
        expected,
    ]
    .concat()
    {
        assert!(error.contains(text), "{text:?} is missing in {error}");
    }
}

/// A file with this content and mode.
fn file(folder: &Path, content: &[u8], mode: u32) -> PathBuf {
    let path = folder.join("a file");
    let _ = fs::remove_file(&path);
    fs::write(&path, content).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
    path
}

#[tokio::test]
async fn an_error_of_a_start_contains_program_cause_and_advice() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path();
    check_error(
        &launch("/no/where", &[]),
        &["no such program", "check `command` in the manifest"],
    );
    check_error(&launch("no-such-name", &[]), &["no such program", "PATH"]);
    check_error(&launch("/etc/passwd/x", &[]), &["no such program"]);
    check_error(&launch(program, &[]), &["it is a folder"]);
    check_error(&launch(file(program, b"text", 0o644), &[]), &["chmod +x"]);
    check_error(
        &launch(file(program, b"#!/no/such/shell\n", 0o755), &[]),
        &["interpreter"],
    );
    check_error(
        &launch(file(program, b"\x7fELF rubbish", 0o755), &[]),
        &["not a program for this machine"],
    );
    let mut without_folder = launch("/bin/true", &[]);
    without_folder.dir = PathBuf::from("/no/where");
    check_error(&without_folder, &["working folder /no/where"]);
    check_error(&launch("/bin/true", &["\0"]), &["check `command`"]);
}
