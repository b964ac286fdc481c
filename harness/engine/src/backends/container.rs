//! A server that the suite starts in a container.
//!
//! The engine removes the container when it ends (`auto_remove`), even if the engine was restarted; the
//! watchdog removes it if the suite was killed; `conformance clean` finds it by its labels after a crash
//! of the machine.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use testcontainers_modules::testcontainers::core::IntoContainerPort as _;
use testcontainers_modules::testcontainers::core::error::ClientError;
use testcontainers_modules::testcontainers::core::logs::LogFrame;
use testcontainers_modules::testcontainers::runners::AsyncRunner as _;
use testcontainers_modules::testcontainers::{
    ContainerAsync, ContainerRequest, Image, ImageExt as _, TestcontainersError,
};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::engine::{connect_engine, publish_address};
use super::provider::{BackendError, Description, error_chain};
use super::server::{MAX_LOG_TAIL, ManagedServer, Workspace, printable};
use crate::sandbox::watchdog::{FOLDER_LABEL, MACHINE_LABEL, RUN_LABEL, machine_name};

/// How long pulling the image and starting the container may take together.
const START_LIMIT: Duration = Duration::from_mins(5);

/// Timeout of a request to the engine.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause between two probes of a container that is starting; each probe loads the engine.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// A running container. Dropping it removes it.
pub(super) struct Container<I: Image + 'static> {
    backend: &'static Description,
    name: String,
    address: SocketAddr,
    publish_address: Option<IpAddr>,
    log: Arc<Mutex<Vec<u8>>>,
    workspace: Workspace,
    /// The engine's container; `None` once it was removed.
    inner: tokio::sync::Mutex<Option<ContainerAsync<I>>>,
}

impl<I: Image + 'static> Container<I> {
    /// Starts a container whose server listens on `port` inside. Does not wait until the server answers.
    pub(super) async fn start(
        backend: &'static Description,
        number: u64,
        port: u16,
        request: ContainerRequest<I>,
        workspace: Workspace,
    ) -> Result<Self, BackendError> {
        let run = workspace.run_folder.file_name().unwrap_or_default();
        let run = run.to_string_lossy().into_owned();
        let name = format!("{run}-{}-{number}", backend.name);
        let log = Arc::default();
        let docker = connect_engine(&workspace.host)
            .await
            .map_err(|error| BackendError::broken(backend, error.to_string(), ADVICE))?;
        let publish_address = publish_address(&docker, &workspace.host).await;
        let request = with_name_and_labels(request, &name, &run, &workspace);
        let request = with_settings(request, port, publish_address, Arc::clone(&log));
        let image = request.descriptor();
        // Registered before it exists: the run may be killed in between.
        workspace.watchdog.register_container(&name);
        let started = timeout(START_LIMIT, request.start()).await;
        let failed = |error: TestcontainersError| start_error(backend, &image, &error);
        let timed_out = |_| {
            let cause = format!("its container was not started within {START_LIMIT:?}");
            BackendError::broken(backend, cause, ADVICE)
        };
        let inner = started.map_err(timed_out)?.map_err(failed)?;
        let address = published(&inner, port, publish_address).await;
        let address = address.map_err(|cause| unreachable_port(backend, cause))?;
        Ok(Self {
            backend,
            name,
            address,
            publish_address,
            log,
            workspace,
            inner: tokio::sync::Mutex::new(Some(inner)),
        })
    }

    /// The address at which the server is reachable.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address at which another port is reachable, which the request has published.
    pub(super) async fn address_of(&self, port: u16) -> Result<SocketAddr, BackendError> {
        let inner = self.inner.lock().await;
        let Some(container) = &*inner else {
            return Err(self.broken("its container was removed".to_owned()));
        };
        let address = published(container, port, self.publish_address).await;
        address.map_err(|cause| unreachable_port(self.backend, cause))
    }

    /// Why the container is not running; `None` if it is running.
    async fn exit_reason(&self) -> Option<String> {
        let inner = self.inner.lock().await;
        let Some(container) = &*inner else {
            return Some("its container was removed".to_owned());
        };
        match timeout(REQUEST_TIMEOUT, container.is_running()).await {
            Ok(Ok(true)) => None,
            Ok(Ok(false)) => Some("its container has ended".to_owned()),
            Ok(Err(error)) => Some(format!(
                "its container or the engine is gone: {}",
                error_chain(&error)
            )),
            Err(_) => Some(format!(
                "the container engine does not answer within {REQUEST_TIMEOUT:?}"
            )),
        }
    }
}

#[async_trait]
impl<I: Image + 'static> ManagedServer for Container<I> {
    /// `None`: scenarios cannot signal a process in a container.
    fn pid(&self) -> Option<u32> {
        None
    }

    async fn exit_error(&self) -> Option<BackendError> {
        let cause = self.exit_reason().await?;
        Some(self.broken(cause))
    }

    async fn exit_error_after_failure(&self) -> Option<BackendError> {
        self.exit_error().await
    }

    fn broken(&self, cause: String) -> BackendError {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let tail = printable(&String::from_utf8_lossy(&log));
        let mut advice = ADVICE.to_owned();
        if !tail.is_empty() {
            advice = format!("{advice}; its log ends with:\n{tail}");
        }
        let cause = format!("{cause} ({})", self.name);
        BackendError::broken(self.backend, cause, advice)
    }

    async fn stop(&self) {
        let Some(container) = self.inner.lock().await.take() else {
            return;
        };
        // In a separate task, because testcontainers may block the thread if the removal fails.
        let removed = tokio::spawn(container.rm()).await;
        if matches!(removed, Ok(Ok(()))) {
            self.workspace.watchdog.unregister_container(&self.name);
        }
    }
}

impl<I: Image + 'static> Drop for Container<I> {
    fn drop(&mut self) {
        let Some(container) = self.inner.get_mut().take() else {
            return;
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(container.rm())),
            // Without a runtime the run is over, and the watchdog removes the container.
            Err(_) => std::mem::forget(container),
        }
    }
}

/// The address outside the container at which a port of it is reachable.
async fn published<I: Image>(
    container: &ContainerAsync<I>,
    port: u16,
    publish_address: Option<IpAddr>,
) -> Result<SocketAddr, String> {
    let number = container.get_host_port_ipv4(port.tcp()).await;
    let number = number.map_err(|error| error_chain(&error))?;
    if let Some(ip) = publish_address {
        return Ok((ip, number).into());
    }
    let host = container.get_host().await;
    let host = host.map_err(|error| error_chain(&error))?;
    resolve(&host.to_string(), number)
}

fn unreachable_port(backend: &'static Description, cause: String) -> BackendError {
    let advice = "use a container engine whose ports are reachable from this machine";
    BackendError::broken(backend, cause, advice)
}

const ADVICE: &str = "start the run again; `docker ps --all` and `docker logs` may show more";

/// Sets the name, by which the watchdog finds the container, and the labels for `conformance clean`.
fn with_name_and_labels<I: Image>(
    request: ContainerRequest<I>,
    name: &str,
    run: &str,
    workspace: &Workspace,
) -> ContainerRequest<I> {
    request.with_container_name(name).with_labels([
        (RUN_LABEL, run.to_owned()),
        (MACHINE_LABEL, machine_name()),
        (FOLDER_LABEL, workspace.run_folder.display().to_string()),
    ])
}

/// Sets what all containers of the suite have in common: published port, log consumer, removal at the end.
fn with_settings<I: Image>(
    request: ContainerRequest<I>,
    port: u16,
    publish_address: Option<IpAddr>,
    log: Arc<Mutex<Vec<u8>>>,
) -> ContainerRequest<I> {
    request
        // Readiness is probed by connecting, not by reading the log.
        .with_ready_conditions(Vec::new())
        .with_startup_timeout(START_LIMIT)
        .with_mapped_port(0, port.tcp())
        .with_log_consumer(move |frame: &LogFrame| append_log(&log, frame.bytes()))
        .with_host_config_modifier(move |host| {
            host.auto_remove = Some(true);
            let bindings = host
                .port_bindings
                .iter_mut()
                .flat_map(|ports| ports.values_mut());
            for binding in bindings.flatten().flatten() {
                binding.host_ip = publish_address.map(|ip| ip.to_string());
            }
        })
}

/// Appends to the log and drops its start beyond the maximum length.
fn append_log(log: &Mutex<Vec<u8>>, bytes: &[u8]) {
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
    log.extend_from_slice(bytes);
    let surplus = log.len().saturating_sub(MAX_LOG_TAIL);
    log.drain(..surplus);
}

fn resolve(host: &str, port: u16) -> Result<SocketAddr, String> {
    let mut all: Vec<SocketAddr> = (host.trim_matches(['[', ']']), port)
        .to_socket_addrs()
        .map_err(|error| format!("the engine's host `{host}` is unknown: {error}"))?
        .collect();
    // IPv4 first: the port is published for IPv4.
    all.sort_by_key(SocketAddr::is_ipv6);
    let first = all.into_iter().next();
    first.ok_or_else(|| format!("the engine's host `{host}` has no address"))
}

/// The error of a container that could not be started. An image that cannot be pulled is reported as missing.
fn start_error(
    backend: &'static Description,
    image: &str,
    error: &TestcontainersError,
) -> BackendError {
    let cause = error_chain(error);
    if let TestcontainersError::Client(ClientError::PullImage { .. }) = error {
        let variable = backend.image_variable;
        return BackendError::Missing {
            backend,
            what_to_install: format!(
                "the engine has no image `{image}` and cannot pull it ({cause}): build it with \
                 `ci/images`, or set {variable} to one that it has"
            ),
        };
    }
    BackendError::broken(
        backend,
        format!("its container of `{image}` cannot be started: {cause}"),
        ADVICE,
    )
}
