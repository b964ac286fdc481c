//! Tests of backends on real servers: they need PostgreSQL, Redis, Prometheus and Jaeger, and fail without.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use testcontainers_modules::testcontainers::bollard::query_parameters::{
    KillContainerOptions, ListContainersOptionsBuilder,
};
use testcontainers_modules::testcontainers::core::client::docker_client_instance;

use super::backend::BackendHandle as _;
use super::jaeger::Jaeger;
use super::postgres::Postgres;
use super::prometheus::Prometheus;
use super::provider::{BackendError, Choice};
use super::redis::Redis;
use super::registry::BACKENDS;
use super::running::Backends;
use crate::sandbox::Sandbox;
use crate::sandbox::folder::RunFolder;
use crate::sandbox::host::Host;
use crate::sandbox::ports::Ports;
use crate::sandbox::watchdog::{RUN_LABEL, Watchdog};

mod on_jaeger;
mod on_postgres;
mod on_prometheus;
mod on_redis;

/// Limit of every wait; generous even for a busy machine.
const WAIT_LIMIT: Duration = Duration::from_secs(20);

/// A sandbox without a watchdog process; its folder is removed on drop.
pub(super) struct TestSandbox(pub(super) Sandbox);

impl TestSandbox {
    pub(super) fn new(host: Host) -> Self {
        let (folder, watchdog) = (RunFolder::choose().unwrap(), Watchdog::without_process());
        // So that `conformance clean` does not remove it.
        folder.subfolder("sandbox").unwrap();
        watchdog.mark_alive(folder.path()).unwrap();
        Self(Sandbox {
            ports: Ports::open(&watchdog).unwrap(),
            folder,
            watchdog,
            host: Arc::new(host),
        })
    }

    /// A sandbox with the variables and programs of this machine.
    fn local() -> Self {
        Self::new(Host::local())
    }
}

impl Drop for TestSandbox {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.folder.path());
    }
}

async fn wait_until(what: &str, condition: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(
            started.elapsed() < WAIT_LIMIT,
            "not within {WAIT_LIMIT:?}: {what}"
        );
        tokio::task::yield_now().await;
    }
}

/// Processes whose environment, arguments or working folder contain the folder's path.
fn processes_in(folder: &Path) -> Vec<PathBuf> {
    let folder = folder.to_string_lossy().into_owned();
    let uses_folder = |process: &PathBuf| {
        let texts = ["environ", "cmdline"]
            .map(|file| std::fs::read(process.join(file)).unwrap_or_default());
        let cwd = std::fs::read_link(process.join("cwd")).unwrap_or_default();
        let mut texts = texts.iter().map(|text| String::from_utf8_lossy(text));
        texts.any(|text| text.contains(&folder)) || cwd.starts_with(&folder)
    };
    let all = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    all.filter(uses_folder).collect()
}

/// The names of a run's containers.
async fn containers_of(sandbox: &TestSandbox) -> Vec<String> {
    let docker = docker_client_instance().await.unwrap();
    let run = sandbox.0.folder.path().file_name().unwrap();
    let label = format!("{RUN_LABEL}={}", run.to_str().unwrap());
    let filters = HashMap::from([("label", vec![label])]);
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters);
    let listed = docker.list_containers(Some(options.build())).await.unwrap();
    let names = listed
        .into_iter()
        .filter_map(|container| container.names?.pop());
    names
        .map(|name| name.trim_start_matches('/').to_owned())
        .collect()
}

/// Kills the run's containers, as a crash of their servers would end them.
async fn kill_containers(sandbox: &TestSandbox) {
    let docker = docker_client_instance().await.unwrap();
    for name in containers_of(sandbox).await {
        // It fails if the container of a returned lease is removed already.
        let _ = docker
            .kill_container(&name, None::<KillContainerOptions>)
            .await;
    }
    wait_until("they are gone", async || {
        containers_of(sandbox).await.is_empty()
    })
    .await;
}

#[tokio::test]
async fn without_programs_backends_are_missing() {
    let sandbox = TestSandbox::new(Host::with_variables([("PATH", "/nowhere")]));
    let postgres = Postgres::start(Choice::Auto, &sandbox.0).await.unwrap_err();
    let redis = Redis::start(Choice::Process, &sandbox.0).await.unwrap_err();
    for error in [postgres, redis] {
        assert!(matches!(error, BackendError::Missing { .. }), "{error:?}");
    }
}

#[test]
fn every_handle_is_found_in_the_registry_by_its_name() {
    let names: Vec<&str> = BACKENDS.iter().map(|it| it.description().name).collect();
    for name in [Postgres::NAME, Redis::NAME, Prometheus::NAME, Jaeger::NAME] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len(), "{names:?}");
}

#[tokio::test]
async fn a_missing_backend_is_reported_to_every_caller_and_nothing_is_started() {
    let sandbox = TestSandbox::new(Host::with_variables([("PATH", "/nowhere")]));
    let backends = Backends::new(sandbox.0.clone(), Choice::Auto);
    backends.warm_up(&["postgres", "redis"]).await;
    let (postgres, redis) = (
        backends.handle::<Postgres>().await,
        backends.handle::<Redis>().await,
    );
    for error in [postgres.err(), redis.err()] {
        assert!(
            matches!(error, Some(BackendError::Missing { .. })),
            "{error:?}"
        );
    }
    assert!(backends.infos().is_empty());
    assert_eq!(backends.find_broken().await, None);
}
