//! Instances of small programs: how they start, what they write, how they end.

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

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(20);

fn launch(program: impl Into<PathBuf>, args: &[&str]) -> Launch {
    Launch {
        name: "thing #1".to_owned(),
        program: program.into(),
        args: args.iter().map(|it| (*it).to_owned()).collect(),
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

async fn end(instance: &Instance) -> Exit {
    timeout(LONG, instance.exited())
        .await
        .expect("it ends in time")
}

fn text(instance: &Instance) -> Vec<String> {
    let lines = instance.output().lines();
    lines
        .iter()
        .map(|it| String::from_utf8_lossy(&it.bytes).into_owned())
        .collect()
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < LONG, "never: {what}");
        tokio::task::yield_now().await;
    }
}

fn runs(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')')
        .is_some_and(|it| !it.1.starts_with(" Z"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_reported_with_its_status_and_all_output_to_every_waiter() {
    let instance = shell("echo out; echo err >&2; exit 3");
    let (one, other) = tokio::join!(end(&instance), end(&instance));
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
async fn a_signal_goes_to_the_process_and_an_end_by_one_is_reported() {
    let instance = shell("trap 'exit 7' TERM; echo set; while :; do :; done");
    until("the trap", || !text(&instance).is_empty()).await;
    assert_eq!(instance.exit(), None);
    instance.signal(Signal::SIGTERM);
    assert_eq!(end(&instance).await.code, Some(7));
    let instance = shell("kill -9 $$");
    let exit = end(&instance).await;
    assert!(exit.to_string().starts_with("killed by signal 9"), "{exit}");
    // No process is hit any more.
    instance.signal(Signal::SIGTERM);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_its_environment_and_nothing_else() {
    let mut launch = launch("/usr/bin/env", &[]);
    launch.env.insert("ÜBER".to_owned(), "a b".to_owned());
    let instance = start(&launch);
    end(&instance).await;
    assert_eq!(
        text(&instance),
        ["PATH=/usr/local/bin:/usr/bin:/bin", "ÜBER=a b"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn input_is_empty() {
    let instance = start(&launch("cat", &[]));
    assert_eq!(end(&instance).await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_left_in_the_group_ends_with_it() {
    let instance = shell("sleep 600 & echo $!; exit 1");
    let exit = end(&instance).await;
    assert_eq!(exit.code, Some(1));
    let child = text(&instance).remove(0);
    until("the child's end", || !runs(&child)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_ends_the_whole_group_also_one_that_is_stopped() {
    let instance = shell("sleep 600 & echo $!; kill -STOP $$");
    until("its child", || !text(&instance).is_empty()).await;
    let child = text(&instance).remove(0);
    timeout(LONG, instance.kill())
        .await
        .expect("it ends in time");
    assert_eq!(instance.exit().and_then(|it| it.signal), Some(9));
    until("the child's end", || !runs(&child)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_kills() {
    let instance = shell("echo $$; exec sleep 600");
    until("its number", || !text(&instance).is_empty()).await;
    let pid = instance.pid().to_string();
    assert_eq!(text(&instance)[0], pid);
    drop(instance);
    until("its end", || !runs(&pid)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grandchild_that_left_and_holds_the_output_hinders_nothing() {
    let instance = shell("setsid sh -c 'yes' & echo $! >&2; exit 4");
    assert_eq!(end(&instance).await.code, Some(4));
    let lines = instance.output().lines();
    let stray = lines
        .iter()
        .find(|it| it.stream == Stream::Stderr)
        .expect("its number");
    let stray: i32 = str::from_utf8(&stray.bytes)
        .expect("text")
        .parse()
        .expect("a number");
    // Its output is not read any more, so that it has ended, or is stuck until the watchdog comes.
    let _ = kill(Pid::from_raw(stray), Signal::SIGKILL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_megabytes_of_rubbish_neither_block_nor_grow() {
    let begun = Instant::now();
    let instance = shell(
        "head -c 3000000 /dev/urandom; head -c 100000000 /dev/zero; yes | head -c 20000000 >&2; echo; echo the end",
    );
    assert_eq!(end(&instance).await.code, Some(0));
    let lines = instance.output().lines();
    let out = lines
        .iter()
        .rfind(|it| it.stream == Stream::Stdout)
        .expect("a line");
    assert_eq!(&*out.bytes, b"the end");
    assert!(instance.output().dropped() > 0);
    assert!(lines.iter().map(|it| it.bytes.len()).sum::<usize>() <= 16 << 20);
    assert!(begun.elapsed() < LONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_and_processor_time_are_those_of_the_group() {
    let instance = shell(
        "(i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done); echo done; exec tail -f /dev/null",
    );
    until("its work", || !text(&instance).is_empty()).await;
    assert!(instance.memory().expect("memory") > 100 << 10);
    let used = instance.cpu();
    assert!(used >= Duration::from_millis(20), "{used:?}");
    instance.kill().await;
    assert_eq!(instance.memory(), None);
    assert!(instance.cpu() >= used, "an end forgets nothing");
}

#[track_caller]
fn refused(launch: &Launch, said: &[&str]) {
    let error = Instance::start(launch, &Watchdog::without_process())
        .expect_err("it cannot start")
        .to_string();
    for text in [
        &[
            "cannot start thing #1",
            launch.program.to_str().expect("text"),
        ],
        said,
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
async fn what_cannot_be_started_is_named_with_the_cause_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path();
    refused(
        &launch("/no/where", &[]),
        &["no such program", "check `command` in the manifest"],
    );
    refused(&launch("no-such-name", &[]), &["no such program", "PATH"]);
    refused(&launch("/etc/passwd/x", &[]), &["no such program"]);
    refused(&launch(program, &[]), &["it is a folder"]);
    refused(&launch(file(program, b"text", 0o644), &[]), &["chmod +x"]);
    refused(
        &launch(file(program, b"#!/no/such/shell\n", 0o755), &[]),
        &["interpreter"],
    );
    refused(
        &launch(file(program, b"\x7fELF rubbish", 0o755), &[]),
        &["no program for this machine"],
    );
    let mut elsewhere = launch("/bin/true", &[]);
    elsewhere.dir = PathBuf::from("/no/where");
    refused(&elsewhere, &["working folder /no/where"]);
    refused(&launch("/bin/true", &["\0"]), &["check `command`"]);
}
