//! Redis by each provider.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ::redis::{Client, cmd};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{TestSandbox, containers_of, kill_containers, processes_in, until};
use crate::backends::backend::RunningBackend as _;
use crate::backends::provider::{Choice, ProviderKind};
use crate::backends::redis::{Redis, RedisLease};
use crate::sandbox::host::Host;

async fn redis(sandbox: &TestSandbox) -> Redis {
    Redis::start(Choice::Process, &sandbox.0).await.unwrap()
}

/// What every provider of Redis does alike.
async fn check_redis(redis: &Redis, kind: ProviderKind) {
    assert_eq!(redis.info().provider, kind);
    assert!(
        redis
            .info()
            .version
            .starts_with(|it: char| it.is_ascii_digit())
    );
    let (one, two) = tokio::join!(redis.lease(), redis.lease());
    let (one, two) = (one.unwrap(), two.unwrap());
    write(&one).await;
    assert_eq!(size(&one).await, 1);
    assert_eq!(size(&two).await, 0, "leases do not see each other");
    one.alive().await.unwrap();
    drop((one, two));
    for _ in 0..40 {
        let lease = redis.lease().await.unwrap();
        assert_eq!(size(&lease).await, 0, "a lease is empty");
        write(&lease).await;
    }
    redis.alive().await.unwrap();
}

async fn write(lease: &RedisLease) {
    let client = Client::open(lease.url(lease.address())).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    cmd("SET")
        .arg("key")
        .arg("value")
        .exec_async(&mut connection)
        .await
        .unwrap();
}

async fn size(lease: &RedisLease) -> u64 {
    let mut connection = lease.connect().await.unwrap();
    cmd("DBSIZE").query_async(&mut connection).await.unwrap()
}

#[tokio::test]
async fn an_own_redis_serves_leases_and_leaves_nothing() {
    let sandbox = TestSandbox::here();
    let redis = redis(&sandbox).await;
    check_redis(&redis, ProviderKind::Process).await;
    let folder = sandbox.0.folder.path().to_owned();
    assert!(!processes_in(&folder).is_empty());
    redis.stop().await;
    assert_eq!(processes_in(&folder), Vec::<PathBuf>::new());
    assert!(redis.lease().await.is_err());
}

#[tokio::test]
async fn a_redis_that_comes_back_is_emptied_and_used_again() {
    let sandbox = TestSandbox::here();
    let redis = redis(&sandbox).await;
    let lease = redis.lease().await.unwrap();
    let pid = lease.pid();
    write(&lease).await;
    drop(lease);
    until("the same server is leased again", async || {
        let lease = redis.lease().await.unwrap();
        lease.pid() == pid && size(&lease).await == 0
    })
    .await;
    redis.stop().await;
}

#[tokio::test]
async fn a_redis_that_was_changed_frozen_or_killed_is_not_used_again() {
    let sandbox = TestSandbox::here();
    let redis = redis(&sandbox).await;
    let mut spoilt = Vec::new();
    for way in 0..3 {
        let lease = redis.lease().await.unwrap();
        let pid = lease.pid().unwrap();
        let process = Pid::from_raw(pid.try_into().unwrap());
        match way {
            0 => {
                let mut connection = lease.connect().await.unwrap();
                let mut set = cmd("CONFIG");
                set.arg("SET").arg("maxmemory").arg("1mb");
                set.exec_async(&mut connection).await.unwrap();
            }
            1 => kill(process, Signal::SIGSTOP).unwrap(),
            _ => {
                kill(process, Signal::SIGKILL).unwrap();
                until("it is known to have ended", async || {
                    lease
                        .alive()
                        .await
                        .is_err_and(|it| it.to_string().contains("has ended"))
                })
                .await;
            }
        }
        spoilt.push(pid);
    }
    until("they are gone", async || {
        !spoilt
            .iter()
            .any(|pid| Path::new(&format!("/proc/{pid}")).exists())
    })
    .await;
    let lease = redis.lease().await.unwrap();
    assert!(!spoilt.contains(&lease.pid().unwrap()));
    lease.alive().await.unwrap();
    drop(lease);
    redis.stop().await;
}

#[tokio::test]
async fn an_external_redis_lends_its_empty_databases_to_two_runs_and_keeps_the_others() {
    let server_sandbox = TestSandbox::here();
    let server = redis(&server_sandbox).await;
    let foreign = server.lease().await.unwrap();
    let url = foreign.url(foreign.address());
    let seven = format!("{}7", url.strip_suffix('0').unwrap());
    let mut connection = Client::open(seven.as_str())
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    cmd("SET")
        .arg("mine")
        .arg(1)
        .exec_async(&mut connection)
        .await
        .unwrap();
    write(&foreign).await;

    let homes =
        [(); 2].map(|()| TestSandbox::new(Host::bare([("CONFORMANCE_REDIS_URL", url.as_str())])));
    let one = Redis::start(Choice::Auto, &homes[0].0).await.unwrap();
    let two = Redis::start(Choice::Auto, &homes[1].0).await.unwrap();
    tokio::join!(
        check_redis(&one, ProviderKind::External),
        check_redis(&two, ProviderKind::External)
    );
    one.stop().await;
    two.stop().await;
    let kept: bool = cmd("EXISTS")
        .arg("mine")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert!(kept);
    assert_eq!(
        size(&foreign).await,
        1,
        "the ledger is empty again, the rest untouched"
    );
    drop(foreign);
    server.stop().await;
}

#[tokio::test]
async fn an_external_redis_whose_databases_are_all_lent_makes_a_run_wait() {
    let server_sandbox = TestSandbox::here();
    let server = redis(&server_sandbox).await;
    let ledger = server.lease().await.unwrap();
    let url = ledger.url(ledger.address());
    let sandbox = TestSandbox::new(Host::bare([("CONFORMANCE_REDIS_URL", url.as_str())]));
    let external = Redis::start(Choice::Auto, &sandbox.0).await.unwrap();
    let mut leases = Vec::new();
    for _ in 1..16 {
        leases.push(external.lease().await.unwrap());
    }
    let mut waiting = Box::pin(external.lease());
    let early = tokio::time::timeout(Duration::from_millis(100), &mut waiting).await;
    assert!(early.is_err(), "there are 15 databases beside the ledger");
    leases.pop();
    waiting.await.unwrap();
    drop(leases);
    external.stop().await;
    server.stop().await;
}

/// A server with these entries in the ledger of its leases, written that many seconds ago.
async fn server_with_leases(server: &Redis, run: &str, age: u64) -> RedisLease {
    let ledger = server.lease().await.unwrap();
    let mut connection = ledger.connect().await.unwrap();
    let (now, _): (u64, u64) = cmd("TIME").query_async(&mut connection).await.unwrap();
    for database in 1..16 {
        cmd("SET")
            .arg(format!("conformance:lease:{database}"))
            .arg(format!("{}:{run}", now - age))
            .exec_async(&mut connection)
            .await
            .unwrap();
    }
    ledger
}

fn external(ledger: &RedisLease) -> TestSandbox {
    let url = ledger.url(ledger.address());
    TestSandbox::new(Host::bare([("CONFORMANCE_REDIS_URL", url.as_str())]))
}

#[tokio::test]
async fn a_database_that_is_still_leased_when_the_run_stops_is_given_back() {
    let server_sandbox = TestSandbox::here();
    let server = redis(&server_sandbox).await;
    let ledger = server.lease().await.unwrap();
    let sandbox = external(&ledger);
    let external = Redis::start(Choice::Auto, &sandbox.0).await.unwrap();
    let lease = external.lease().await.unwrap();
    write(&lease).await;
    assert_eq!(size(&ledger).await, 1, "its entry in the ledger");
    external.stop().await;
    assert_eq!(size(&ledger).await, 0);
    assert_eq!(size(&lease).await, 0);
    drop((lease, ledger));
    server.stop().await;
}

#[tokio::test]
async fn an_external_redis_without_a_free_database_is_reported_before_a_lease_is_wanted() {
    let server_sandbox = TestSandbox::here();
    let server = redis(&server_sandbox).await;
    let ledger = server_with_leases(&server, "another", 0).await;
    let sandbox = external(&ledger);
    let error = Redis::start(Choice::Auto, &sandbox.0).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("15 are leased by other runs"), "{text}");
    drop(ledger);
    server.stop().await;
}

#[tokio::test]
async fn leases_of_a_run_that_was_killed_a_minute_ago_are_taken_over() {
    let server_sandbox = TestSandbox::here();
    let server = redis(&server_sandbox).await;
    let ledger = server_with_leases(&server, "killed", 60).await;
    let sandbox = external(&ledger);
    let external = Redis::start(Choice::Auto, &sandbox.0).await.unwrap();
    let lease = external.lease().await.unwrap();
    assert_eq!(size(&lease).await, 0);
    drop(lease);
    external.stop().await;
    assert_eq!(size(&ledger).await, 14, "the entries of the others");
    drop(ledger);
    server.stop().await;
}

#[tokio::test]
#[ignore = "wants a container engine: ci/setup --containers"]
async fn a_redis_in_containers_does_what_every_provider_does_and_is_removed() {
    let sandbox = TestSandbox::here();
    let redis = Redis::start(Choice::Container, &sandbox.0).await.unwrap();
    check_redis(&redis, ProviderKind::Container).await;
    assert!(!containers_of(&sandbox).await.is_empty());
    let lease = redis.lease().await.unwrap();
    kill_containers(&sandbox).await;
    let error = lease.alive().await.unwrap_err().to_string();
    assert!(error.contains("container"), "{error}");
    drop(lease);
    let another = redis.lease().await.unwrap();
    another.alive().await.unwrap();
    drop(another);
    redis.stop().await;
    assert_eq!(containers_of(&sandbox).await, Vec::<String>::new());
}
