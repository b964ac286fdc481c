//! A server that the suite started in a container: its name, its log, its readiness and its end.
//!
//! The engine removes it when it ends (`auto_remove`), also when the engine itself went away and came
//! back; the watchdog removes it when the suite was killed; by its labels `conformance clean` finds it
//! after a crash of the machine.

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

use super::engine::{engine, publishing};
use super::provider::{BackendError, Description, chain};
use super::server::{OwnServer, TAIL, Workspace, printable};
use crate::sandbox::watchdog::{FOLDER_LABEL, MACHINE_LABEL, RUN_LABEL, machine_name};

/// How long an image may take to come and a container to start.
const START_LIMIT: Duration = Duration::from_mins(5);

/// How long the engine may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Between two questions to a container that is starting: each costs the engine something.
pub(super) const PAUSE: Duration = Duration::from_millis(25);

/// A running container. Dropping it removes it.
pub(super) struct Container<I: Image + 'static> {
    backend: &'static Description,
    name: String,
    address: SocketAddr,
    log: Arc<Mutex<Vec<u8>>>,
    place: Workspace,
    /// Present until it is removed.
    inner: tokio::sync::Mutex<Option<ContainerAsync<I>>>,
}

impl<I: Image + 'static> Container<I> {
    /// Starts it, listening at `port` inside, and does not wait until its server answers.
    pub(super) async fn start(
        backend: &'static Description,
        number: u64,
        port: u16,
        request: ContainerRequest<I>,
        place: Workspace,
    ) -> Result<Self, BackendError> {
        let run = place.run_folder.file_name().unwrap_or_default();
        let run = run.to_string_lossy().into_owned();
        let name = format!("{run}-{}-{number}", backend.name);
        let log = Arc::default();
        let docker = engine(&place.host)
            .await
            .map_err(|error| BackendError::broken(backend, error.to_string(), LOOK))?;
        let publishing = publishing(&docker, &place.host).await;
        let request = labelled(request, &name, &run, &place);
        let request = ready_to_go(request, port, publishing, Arc::clone(&log));
        let image = request.descriptor();
        // Recorded before it exists: the run may be killed in between.
        place.watchdog.register_container(&name);
        let started = timeout(START_LIMIT, request.start()).await;
        let failed = |error: TestcontainersError| unstarted(backend, &image, &error);
        let late = |_| {
            let cause = format!("its container was not started within {START_LIMIT:?}");
            BackendError::broken(backend, cause, LOOK)
        };
        let inner = started.map_err(late)?.map_err(failed)?;
        let number = inner.get_host_port_ipv4(port.tcp()).await.map_err(failed)?;
        let address = if let Some(ip) = publishing {
            (ip, number).into()
        } else {
            let host = inner.get_host().await.map_err(failed)?;
            resolve(&host.to_string(), number).map_err(|cause| {
                let advice = "name an engine whose ports can be reached";
                BackendError::broken(backend, cause, advice)
            })?
        };
        Ok(Self {
            backend,
            name,
            address,
            log,
            place,
            inner: tokio::sync::Mutex::new(Some(inner)),
        })
    }

    /// Where its server is reached.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Why it runs no more, if so.
    async fn ended(&self) -> Option<String> {
        let inner = self.inner.lock().await;
        let Some(container) = &*inner else {
            return Some("its container was removed".to_owned());
        };
        match timeout(ANSWER_LIMIT, container.is_running()).await {
            Ok(Ok(true)) => None,
            Ok(Ok(false)) => Some("its container has ended".to_owned()),
            Ok(Err(error)) => Some(format!(
                "its container is gone, or the engine is: {}",
                chain(&error)
            )),
            Err(_) => Some(format!(
                "the container engine does not answer within {ANSWER_LIMIT:?}"
            )),
        }
    }
}

#[async_trait]
impl<I: Image + 'static> OwnServer for Container<I> {
    /// None of this machine's, as far as the suite is concerned.
    fn pid(&self) -> Option<u32> {
        None
    }

    async fn end(&self) -> Option<BackendError> {
        let cause = self.ended().await?;
        Some(self.broken(cause))
    }

    async fn end_soon(&self) -> Option<BackendError> {
        self.end().await
    }

    fn broken(&self, cause: String) -> BackendError {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let tail = printable(&String::from_utf8_lossy(&log));
        let mut advice = LOOK.to_owned();
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
        // On a worker: what testcontainers does when that fails may hold up its thread.
        let removed = tokio::spawn(container.rm()).await;
        if matches!(removed, Ok(Ok(()))) {
            self.place.watchdog.unregister_container(&self.name);
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
            // Without a runtime the run is over, and its watchdog removes it.
            Err(_) => std::mem::forget(container),
        }
    }
}

const LOOK: &str = "start the run again; `docker ps --all` and `docker logs` may show more";

/// By its name the watchdog finds it, by its labels `conformance clean`.
fn labelled<I: Image>(
    request: ContainerRequest<I>,
    name: &str,
    run: &str,
    place: &Workspace,
) -> ContainerRequest<I> {
    request.with_container_name(name).with_labels([
        (RUN_LABEL, run.to_owned()),
        (MACHINE_LABEL, machine_name()),
        (FOLDER_LABEL, place.run_folder.display().to_string()),
    ])
}

/// Port, log and end of every container of the suite.
fn ready_to_go<I: Image>(
    request: ContainerRequest<I>,
    port: u16,
    publishing: Option<IpAddr>,
    log: Arc<Mutex<Vec<u8>>>,
) -> ContainerRequest<I> {
    request
        // The server is ready when it answers, whatever its log says.
        .with_ready_conditions(Vec::new())
        .with_startup_timeout(START_LIMIT)
        .with_mapped_port(0, port.tcp())
        .with_log_consumer(move |frame: &LogFrame| keep_tail(&log, frame.bytes()))
        .with_host_config_modifier(move |host| {
            host.auto_remove = Some(true);
            let bindings = host.port_bindings.iter_mut().flat_map(|it| it.values_mut());
            for binding in bindings.flatten().flatten() {
                binding.host_ip = publishing.map(|it| it.to_string());
            }
        })
}

fn keep_tail(log: &Mutex<Vec<u8>>, bytes: &[u8]) {
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
    log.extend_from_slice(bytes);
    let surplus = log.len().saturating_sub(TAIL);
    log.drain(..surplus);
}

fn resolve(host: &str, port: u16) -> Result<SocketAddr, String> {
    let mut all: Vec<SocketAddr> = (host.trim_matches(['[', ']']), port)
        .to_socket_addrs()
        .map_err(|error| format!("the engine's host `{host}` is unknown: {error}"))?
        .collect();
    // The port was published for IPv4.
    all.sort_by_key(SocketAddr::is_ipv6);
    let first = all.into_iter().next();
    first.ok_or_else(|| format!("the engine's host `{host}` has no address"))
}

/// Why a container could not be started: an image that is missing is something to be installed.
fn unstarted(
    backend: &'static Description,
    image: &str,
    error: &TestcontainersError,
) -> BackendError {
    let cause = chain(error);
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
        LOOK,
    )
}
