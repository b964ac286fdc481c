//! Lists and removes the containers of runs.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use futures::future::join_all;
use testcontainers_modules::testcontainers::bollard::Docker;
use testcontainers_modules::testcontainers::bollard::errors::Error;
use testcontainers_modules::testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
};
use testcontainers_modules::testcontainers::core::client::docker_client_instance;
use tokio::time::timeout;

/// Label of a container: the id of its run.
pub(crate) const RUN_LABEL: &str = "conformance.run";

/// Label of a container: the folder of its run.
pub(crate) const FOLDER_LABEL: &str = "conformance.folder";

/// Label of a container: the machine of its run. An engine may serve several machines.
pub(crate) const MACHINE_LABEL: &str = "conformance.machine";

/// Timeout of a request to the engine.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an earlier request to create or remove a container may still be in progress.
const PENDING_LIMIT: Duration = Duration::from_secs(1);

/// The host name of this machine.
pub(crate) fn machine_name() -> String {
    let name = nix::unistd::gethostname().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// A container that a run started, with the values of its labels.
pub(super) struct RunContainer {
    pub(super) name: String,
    pub(super) folder: String,
    pub(super) machine: String,
}

/// All containers that runs started, on any machine; `None` if no engine answers.
pub(super) async fn all() -> Option<Vec<RunContainer>> {
    let docker = docker_client_instance().await.ok()?;
    let filters = HashMap::from([("label", vec![RUN_LABEL])]);
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters)
        .build();
    let listed = timeout(REQUEST_TIMEOUT, docker.list_containers(Some(options))).await;
    let listed = listed.ok()?.ok()?;
    let run_container =
        |summary: testcontainers_modules::testcontainers::bollard::models::ContainerSummary| {
            let name = summary.names?.into_iter().next()?;
            let mut labels = summary.labels?;
            Some(RunContainer {
                name: name.trim_start_matches('/').to_owned(),
                folder: labels.remove(FOLDER_LABEL)?,
                machine: labels.remove(MACHINE_LABEL)?,
            })
        };
    Some(listed.into_iter().filter_map(run_container).collect())
}

/// Removes the containers with these names; returns descriptions of what is left. Blocks.
pub(super) fn remove(names: &BTreeSet<String>) -> Vec<String> {
    if names.is_empty() {
        return Vec::new();
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(remove_all(names)),
        Err(error) => names
            .iter()
            .map(|name| describe_left(name, &error.to_string()))
            .collect(),
    }
}

async fn remove_all(names: &BTreeSet<String>) -> Vec<String> {
    match docker_client_instance().await {
        Ok(docker) => {
            let removals = names.iter().map(|name| remove_one(&docker, name));
            join_all(removals).await.into_iter().flatten().collect()
        }
        Err(error) => names
            .iter()
            .map(|name| describe_left(name, &error.to_string()))
            .collect(),
    }
}

fn describe_left(name: &str, cause: &str) -> String {
    format!(
        "container {name} ({cause}); the engine removes it once it runs again, else use `conformance clean`"
    )
}

async fn remove_one(docker: &Docker, name: &str) -> Option<String> {
    let started = Instant::now();
    loop {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true);
        let removal = docker.remove_container(name, Some(options.build()));
        let cause = match timeout(REQUEST_TIMEOUT, removal).await {
            Ok(Ok(())) => return None,
            // The run may have been killed while the engine was still creating the container.
            Ok(Err(Error::DockerResponseServerError {
                status_code: 404, ..
            })) if started.elapsed() >= PENDING_LIMIT => return None,
            Ok(Err(Error::DockerResponseServerError {
                status_code: 404, ..
            })) => String::new(),
            // The container is being removed already, or the engine is down.
            Ok(Err(error)) => error.to_string(),
            Err(_) => return Some(describe_left(name, "the engine does not answer")),
        };
        if started.elapsed() >= 2 * PENDING_LIMIT {
            return Some(describe_left(name, &cause));
        }
        pause().await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the watchdog has no other tasks, and the engine sends no notification of a removal"
)]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}
