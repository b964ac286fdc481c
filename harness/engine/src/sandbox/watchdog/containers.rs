//! Containers that would outlive the run.

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

/// Labels a container with the id of its run.
pub(crate) const RUN_LABEL: &str = "conformance.run";

/// Labels a container with the folder of its run.
pub(crate) const FOLDER_LABEL: &str = "conformance.folder";

/// Labels a container with the machine that its run is on: an engine may serve several.
pub(crate) const MACHINE_LABEL: &str = "conformance.machine";

/// How long the engine may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// How long the engine may take to make or to remove what it was asked for before.
const LATE: Duration = Duration::from_secs(1);

/// The name of this machine.
pub(crate) fn machine() -> String {
    let name = nix::unistd::gethostname().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// A container of some run.
pub(super) struct Labelled {
    pub(super) name: String,
    pub(super) folder: String,
    pub(super) machine: String,
}

/// Every container that the suite started, on any machine; `None` if no engine answers.
pub(super) async fn all() -> Option<Vec<Labelled>> {
    let docker = docker_client_instance().await.ok()?;
    let filters = HashMap::from([("label", vec![RUN_LABEL])]);
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters)
        .build();
    let listed = timeout(ANSWER_LIMIT, docker.list_containers(Some(options))).await;
    let listed = listed.ok()?.ok()?;
    let labelled =
        |container: testcontainers_modules::testcontainers::bollard::models::ContainerSummary| {
            let name = container.names?.into_iter().next()?;
            let mut labels = container.labels?;
            Some(Labelled {
                name: name.trim_start_matches('/').to_owned(),
                folder: labels.remove(FOLDER_LABEL)?,
                machine: labels.remove(MACHINE_LABEL)?,
            })
        };
    Some(listed.into_iter().filter_map(labelled).collect())
}

/// Removes them; returns what is left. Blocks.
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
            .map(|it| left(it, &error.to_string()))
            .collect(),
    }
}

async fn remove_all(names: &BTreeSet<String>) -> Vec<String> {
    match docker_client_instance().await {
        Ok(docker) => {
            let removals = names.iter().map(|it| remove_one(&docker, it));
            join_all(removals).await.into_iter().flatten().collect()
        }
        Err(error) => names
            .iter()
            .map(|it| left(it, &error.to_string()))
            .collect(),
    }
}

fn left(name: &str, cause: &str) -> String {
    format!(
        "container {name} ({cause}); the engine removes it when it is back, else `conformance clean` does"
    )
}

async fn remove_one(docker: &Docker, name: &str) -> Option<String> {
    let begun = Instant::now();
    loop {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true);
        let removal = docker.remove_container(name, Some(options.build()));
        let cause = match timeout(ANSWER_LIMIT, removal).await {
            Ok(Ok(())) => return None,
            // The run may have been killed while the engine was about to make it.
            Ok(Err(Error::DockerResponseServerError {
                status_code: 404, ..
            })) if begun.elapsed() >= LATE => return None,
            Ok(Err(Error::DockerResponseServerError {
                status_code: 404, ..
            })) => String::new(),
            // It is being removed already, or there is no engine.
            Ok(Err(error)) => error.to_string(),
            Err(_) => return Some(left(name, "the engine does not answer")),
        };
        if begun.elapsed() >= 2 * LATE {
            return Some(left(name, &cause));
        }
        pause().await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the watchdog is alone in its process, and the engine sends no notification of an end"
)]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}
