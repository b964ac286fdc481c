//! The backends on real servers: these tests want PostgreSQL and Redis, and fail without.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use testcontainers_modules::testcontainers::bollard::query_parameters::{
    KillContainerOptions, ListContainersOptionsBuilder,
};
use testcontainers_modules::testcontainers::core::client::docker_client_instance;

use super::backend::BackendHandle as _;
use super::postgres::Postgres;
use super::provider::{BackendError, Choice};
use super::redis::Redis;
use super::registry::BACKENDS;
use super::running::Backends;
use crate::sandbox::Sandbox;
use crate::sandbox::folder::RunFolder;
use crate::sandbox::host::Host;
use crate::sandbox::ports::Ports;
use crate::sandbox::watchdog::{RUN_LABEL, Watchdog};

mod on_postgres;
mod on_redis;

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(20);

/// A sandbox without a watchdog, whose folder goes with it.
pub(super) struct TestSandbox(pub(super) Sandbox);

impl TestSandbox {
    pub(super) fn new(host: Host) -> Self {
        let (folder, watchdog) = (RunFolder::create().unwrap(), Watchdog::absent());
        // Alive, as far as `conformance clean` is concerned.
        folder.sub("sandbox").unwrap();
        watchdog.mark(folder.path()).unwrap();
        Self(Sandbox {
            ports: Ports::open(&watchdog).unwrap(),
            folder,
            watchdog,
            host: Arc::new(host),
        })
    }

    fn here() -> Self {
        Self::new(Host::here())
    }
}

impl Drop for TestSandbox {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.folder.path());
    }
}

async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < LONG, "never: {what}");
        tokio::task::yield_now().await;
    }
}

/// The processes whose environment, arguments or working folder name a folder.
fn processes_in(folder: &Path) -> Vec<PathBuf> {
    let folder = folder.to_string_lossy().into_owned();
    let names_it = |process: &PathBuf| {
        let texts =
            ["environ", "cmdline"].map(|it| std::fs::read(process.join(it)).unwrap_or_default());
        let cwd = std::fs::read_link(process.join("cwd")).unwrap_or_default();
        let mut texts = texts.iter().map(|it| String::from_utf8_lossy(it));
        texts.any(|it| it.contains(&folder)) || cwd.starts_with(&folder)
    };
    let all = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .map(|it| it.path());
    all.filter(names_it).collect()
}

/// The containers of a run, by name.
async fn containers_of(sandbox: &TestSandbox) -> Vec<String> {
    let docker = docker_client_instance().await.unwrap();
    let run = sandbox.0.folder.path().file_name().unwrap();
    let label = format!("{RUN_LABEL}={}", run.to_str().unwrap());
    let filters = HashMap::from([("label", vec![label])]);
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters);
    let listed = docker.list_containers(Some(options.build())).await.unwrap();
    let names = listed.into_iter().filter_map(|it| it.names?.pop());
    names
        .map(|it| it.trim_start_matches('/').to_owned())
        .collect()
}

/// As a crash of their servers would.
async fn kill_containers(sandbox: &TestSandbox) {
    let docker = docker_client_instance().await.unwrap();
    for name in containers_of(sandbox).await {
        // One that was given back may be gone already.
        let _ = docker
            .kill_container(&name, None::<KillContainerOptions>)
            .await;
    }
    until("they are gone", async || {
        containers_of(sandbox).await.is_empty()
    })
    .await;
}

#[tokio::test]
async fn without_programs_backends_are_missing() {
    let sandbox = TestSandbox::new(Host::bare([("PATH", "/nowhere")]));
    let postgres = Postgres::start(Choice::Auto, &sandbox.0).await.unwrap_err();
    let redis = Redis::start(Choice::Process, &sandbox.0).await.unwrap_err();
    for error in [postgres, redis] {
        assert!(matches!(error, BackendError::Missing { .. }), "{error:?}");
    }
}

#[test]
fn every_handle_is_found_in_the_registry_by_its_name() {
    let names: Vec<&str> = BACKENDS.iter().map(|it| it.description().name).collect();
    for name in [Postgres::NAME, Redis::NAME] {
        assert!(names.contains(&name), "{name} is none of {names:?}");
    }
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len(), "{names:?}");
}

#[tokio::test]
async fn a_missing_backend_is_reported_to_everyone_who_needs_it_and_nothing_is_started() {
    let sandbox = TestSandbox::new(Host::bare([("PATH", "/nowhere")]));
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
    assert_eq!(backends.broken().await, None);
}
