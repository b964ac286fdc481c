//! Tests of Redis with each provider.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ::redis::{Client, cmd};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{TestSandbox, containers_of, kill_containers, processes_in, wait_until};
use crate::backends::backend::RunningBackend as _;
use crate::backends::provider::{Choice, ProviderKind};
use crate::backends::redis::{Redis, RedisLease};
use crate::sandbox::host::Host;

async fn start_redis(sandbox: &TestSandbox) -> Redis {
    Redis::start(Choice::Process, &sandbox.0).await.unwrap()
}

/// Checks what every provider of Redis must do.
async fn check_redis(redis: &Redis, kind: ProviderKind) {
    assert_eq!(redis.info().provider, kind);
    assert!(
        redis
            .info()
            .version
            .starts_with(|character: char| character.is_ascii_digit())
    );
    let (one, two) = tokio::join!(redis.lease(), redis.lease());
    let (one, two) = (one.unwrap(), two.unwrap());
    write_key(&one).await;
    assert_eq!(key_count(&one).await, 1);
    assert_eq!(key_count(&two).await, 0, "leases do not see each other");
    one.check_alive().await.unwrap();
    drop((one, two));
    for _ in 0..40 {
        let lease = redis.lease().await.unwrap();
        assert_eq!(key_count(&lease).await, 0, "a lease is empty");
        write_key(&lease).await;
    }
    redis.check_alive().await.unwrap();
}

/// Writes one key.
async fn write_key(lease: &RedisLease) {
    let client = Client::open(lease.url(lease.address())).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    cmd("SET")
        .arg("key")
        .arg("value")
        .exec_async(&mut connection)
        .await
        .unwrap();
}

async fn key_count(lease: &RedisLease) -> u64 {
    let mut connection = lease.connect().await.unwrap();
    cmd("DBSIZE").query_async(&mut connection).await.unwrap()
}

#[tokio::test]
async fn a_redis_process_serves_leases_and_leaves_nothing_behind() {
    let sandbox = TestSandbox::local();
    let redis = start_redis(&sandbox).await;
    check_redis(&redis, ProviderKind::Process).await;
    let folder = sandbox.0.folder.path().to_owned();
    assert!(!processes_in(&folder).is_empty());
    redis.stop().await;
    assert_eq!(processes_in(&folder), Vec::<PathBuf>::new());
    assert!(redis.lease().await.is_err());
}

#[tokio::test]
async fn a_returned_redis_is_emptied_and_reused() {
    let sandbox = TestSandbox::local();
    let redis = start_redis(&sandbox).await;
    let lease = redis.lease().await.unwrap();
    let pid = lease.pid();
    write_key(&lease).await;
    drop(lease);
    wait_until("the same server is leased again", async || {
        let lease = redis.lease().await.unwrap();
        lease.pid() == pid && key_count(&lease).await == 0
    })
    .await;
    redis.stop().await;
}

#[tokio::test]
async fn a_redis_that_was_changed_frozen_or_killed_is_not_reused() {
    let sandbox = TestSandbox::local();
    let redis = start_redis(&sandbox).await;
    let mut rejected = Vec::new();
    for damage in 0..3 {
        let lease = redis.lease().await.unwrap();
        let pid = lease.pid().unwrap();
        let process = Pid::from_raw(pid.try_into().unwrap());
        match damage {
            0 => {
                let mut connection = lease.connect().await.unwrap();
                let mut set = cmd("CONFIG");
                set.arg("SET").arg("maxmemory").arg("1mb");
                set.exec_async(&mut connection).await.unwrap();
            }
            1 => kill(process, Signal::SIGSTOP).unwrap(),
            _ => {
                kill(process, Signal::SIGKILL).unwrap();
                wait_until("its end is noticed", async || {
                    lease
                        .check_alive()
                        .await
                        .is_err_and(|error| error.to_string().contains("has ended"))
                })
                .await;
            }
        }
        rejected.push(pid);
    }
    wait_until("the servers are gone", async || {
        !rejected
            .iter()
            .any(|pid| Path::new(&format!("/proc/{pid}")).exists())
    })
    .await;
    let lease = redis.lease().await.unwrap();
    assert!(!rejected.contains(&lease.pid().unwrap()));
    lease.check_alive().await.unwrap();
    drop(lease);
    redis.stop().await;
}

#[tokio::test]
async fn an_external_redis_leases_only_its_empty_databases_to_two_runs() {
    let server_sandbox = TestSandbox::local();
    let server = start_redis(&server_sandbox).await;
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
    write_key(&foreign).await;

    let sandboxes = [(); 2].map(|()| {
        TestSandbox::new(Host::with_variables([(
            "CONFORMANCE_REDIS_URL",
            url.as_str(),
        )]))
    });
    let one = Redis::start(Choice::Auto, &sandboxes[0].0).await.unwrap();
    let two = Redis::start(Choice::Auto, &sandboxes[1].0).await.unwrap();
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
        key_count(&foreign).await,
        1,
        "the lease registry is empty again and other keys are untouched"
    );
    drop(foreign);
    server.stop().await;
}

#[tokio::test]
async fn an_external_redis_whose_databases_are_all_leased_makes_the_next_lease_wait() {
    let server_sandbox = TestSandbox::local();
    let server = start_redis(&server_sandbox).await;
    let registry = server.lease().await.unwrap();
    let url = registry.url(registry.address());
    let sandbox = TestSandbox::new(Host::with_variables([(
        "CONFORMANCE_REDIS_URL",
        url.as_str(),
    )]));
    let external = Redis::start(Choice::Auto, &sandbox.0).await.unwrap();
    let mut leases = Vec::new();
    for _ in 1..16 {
        leases.push(external.lease().await.unwrap());
    }
    let mut waiting = Box::pin(external.lease());
    let early = tokio::time::timeout(Duration::from_millis(100), &mut waiting).await;
    assert!(
        early.is_err(),
        "all 15 databases besides the registry are leased"
    );
    leases.pop();
    waiting.await.unwrap();
    drop(leases);
    external.stop().await;
    server.stop().await;
}

/// Adds entries for all databases to the lease registry, `age` seconds old; returns a lease of the registry.
async fn register_leases(server: &Redis, run: &str, age: u64) -> RedisLease {
    let registry = server.lease().await.unwrap();
    let mut connection = registry.connect().await.unwrap();
    let (now, _): (u64, u64) = cmd("TIME").query_async(&mut connection).await.unwrap();
    for database in 1..16 {
        cmd("SET")
            .arg(format!("conformance:lease:{database}"))
            .arg(format!("{}:{run}", now - age))
            .exec_async(&mut connection)
            .await
            .unwrap();
    }
    registry
}

/// A sandbox in which the server of this lease is the external Redis.
fn sandbox_with_external(registry: &RedisLease) -> TestSandbox {
    let url = registry.url(registry.address());
    let variables = [("CONFORMANCE_REDIS_URL", url.as_str())];
    TestSandbox::new(Host::with_variables(variables))
}

#[tokio::test]
async fn a_database_that_is_still_leased_when_the_run_stops_is_released() {
    let server_sandbox = TestSandbox::local();
    let server = start_redis(&server_sandbox).await;
    let registry = server.lease().await.unwrap();
    let sandbox = sandbox_with_external(&registry);
    let external = Redis::start(Choice::Auto, &sandbox.0).await.unwrap();
    let lease = external.lease().await.unwrap();
    write_key(&lease).await;
    assert_eq!(
        key_count(&registry).await,
        1,
        "the lease's entry in the registry"
    );
    external.stop().await;
    assert_eq!(key_count(&registry).await, 0);
    assert_eq!(key_count(&lease).await, 0);
    drop((lease, registry));
    server.stop().await;
}

#[tokio::test]
async fn an_external_redis_without_a_free_database_is_reported_at_the_start() {
    let server_sandbox = TestSandbox::local();
    let server = start_redis(&server_sandbox).await;
    let registry = register_leases(&server, "another", 0).await;
    let sandbox = sandbox_with_external(&registry);
    let error = Redis::start(Choice::Auto, &sandbox.0).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("15 are leased by other runs"), "{text}");
    drop(registry);
    server.stop().await;
}

#[tokio::test]
async fn leases_of_a_run_that_was_killed_a_minute_ago_are_reused() {
    let server_sandbox = TestSandbox::local();
    let server = start_redis(&server_sandbox).await;
    let registry = register_leases(&server, "killed", 60).await;
    let sandbox = sandbox_with_external(&registry);
    let external = Redis::start(Choice::Auto, &sandbox.0).await.unwrap();
    let lease = external.lease().await.unwrap();
    assert_eq!(key_count(&lease).await, 0);
    drop(lease);
    external.stop().await;
    assert_eq!(key_count(&registry).await, 14, "the other entries");
    drop(registry);
    server.stop().await;
}

#[tokio::test]
#[ignore = "needs a container engine: ci/setup --containers"]
async fn a_redis_in_containers_does_what_every_provider_must_do_and_is_removed() {
    let sandbox = TestSandbox::local();
    let redis = Redis::start(Choice::Container, &sandbox.0).await.unwrap();
    check_redis(&redis, ProviderKind::Container).await;
    assert!(!containers_of(&sandbox).await.is_empty());
    let lease = redis.lease().await.unwrap();
    kill_containers(&sandbox).await;
    let error = lease.check_alive().await.unwrap_err().to_string();
    assert!(error.contains("container"), "{error}");
    drop(lease);
    let another = redis.lease().await.unwrap();
    another.check_alive().await.unwrap();
    drop(another);
    redis.stop().await;
    assert_eq!(containers_of(&sandbox).await, Vec::<String>::new());
}
