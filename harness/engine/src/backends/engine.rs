//! The container engine (Docker or compatible), and the images of backends.

use std::error::Error;
use std::fmt;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use testcontainers_modules::testcontainers::bollard::Docker;
use testcontainers_modules::testcontainers::bollard::errors::Error as EngineError;
use testcontainers_modules::testcontainers::bollard::query_parameters::InspectNetworkOptions;
use testcontainers_modules::testcontainers::core::client::docker_client_instance;
use tokio::time::timeout;

use super::engine_host::{self, HOST_VARIABLE};
use super::provider::{BackendError, Description, error_chain};
use crate::sandbox::host::Host;

/// Timeout of a ping of the engine.
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the container engine cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EngineUnavailable {
    /// The host does not use an engine.
    #[error("the container engine is disabled")]
    Disabled,
    /// The selected docker context has no engine.
    #[error("no container engine: {0}, or set {HOST_VARIABLE} to the address of a running one")]
    InvalidContext(String),
    /// No process listens at the address.
    #[error(
        "no container engine answers at {place} ({cause}): start one (`ci/setup --containers`, or \
         `systemctl start docker`), or set {HOST_VARIABLE} to the address of a running one"
    )]
    Down { place: String, cause: String },
    /// The engine denies access to this user.
    #[error(
        "the container engine at {place} refuses this user ({cause}): run as root or join the group \
         of its socket"
    )]
    Refuses { place: String, cause: String },
    /// The engine answers with an unexpected error.
    #[error("the container engine at {place} does not work: {cause}")]
    Faulty { place: String, cause: String },
}

/// A client of the engine, after a successful ping.
pub(super) async fn connect_engine(host: &Host) -> Result<Docker, EngineUnavailable> {
    if !host.may_use_engine() {
        return Err(EngineUnavailable::Disabled);
    }
    let place = engine_host::resolve(host).map_err(EngineUnavailable::InvalidContext)?;
    let docker = docker_client_instance().await.map_err(|error| {
        let cause = error_chain(&error);
        EngineUnavailable::Down {
            place: place.clone(),
            cause,
        }
    })?;
    match timeout(PING_TIMEOUT, docker.ping()).await {
        Ok(Ok(_)) => Ok(docker),
        Ok(Err(error)) => Err(classify(place, &error)),
        Err(_) => {
            let cause = format!("no answer within {} s", PING_TIMEOUT.as_secs());
            Err(EngineUnavailable::Faulty { place, cause })
        }
    }
}

/// The address of the engine, for messages; or why there is none.
pub(super) fn engine_address(host: &Host) -> String {
    engine_host::resolve(host).unwrap_or_else(|error| error)
}

/// The address on which containers publish their ports, reachable from this machine only. `None` if the
/// engine runs on another machine.
pub(super) async fn publish_address(docker: &Docker, host: &Host) -> Option<IpAddr> {
    let address = engine_address(host);
    if !address.starts_with("unix:") {
        return None;
    }
    let loopback = Ipv4Addr::LOCALHOST.into();
    if !Path::new(CONTAINER_MARKER).exists() {
        return Some(loopback);
    }
    let options = None::<InspectNetworkOptions>;
    let bridge = docker.inspect_network("bridge", options).await.ok();
    let configs = bridge
        .and_then(|network| network.ipam)
        .and_then(|ipam| ipam.config);
    let mut gateways = configs
        .into_iter()
        .flatten()
        .filter_map(|config| config.gateway);
    let gateway = gateways.find_map(|address| address.parse().ok());
    // Binding succeeds on the engine's host, and fails in a container that uses the host's engine socket.
    let is_remote = |address: &IpAddr| TcpListener::bind((*address, 0)).is_err();
    Some(gateway.filter(is_remote).unwrap_or(loopback))
}

/// A file that Docker creates in containers; some images of virtual machines have it as well.
const CONTAINER_MARKER: &str = "/.dockerenv";

/// The reason behind an error of a ping.
fn classify(place: String, error: &EngineError) -> EngineUnavailable {
    let cause = root_cause(error);
    let is_forbidden = matches!(
        error,
        EngineError::DockerResponseServerError {
            status_code: 401 | 403,
            ..
        }
    );
    let kind = match error {
        EngineError::IOError { err } => Some(err.kind()),
        error => io_kind(error),
    };
    match kind {
        Some(ErrorKind::PermissionDenied) => EngineUnavailable::Refuses { place, cause },
        _ if is_forbidden => EngineUnavailable::Refuses { place, cause },
        Some(_) => EngineUnavailable::Down { place, cause },
        None if matches!(error, EngineError::SocketNotFoundError(_)) => {
            EngineUnavailable::Down { place, cause }
        }
        None => EngineUnavailable::Faulty { place, cause },
    }
}

/// The message of the last source of an error; the layers above it add no information.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The kind of the first I/O error among an error and its sources.
fn io_kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        next = error.source();
    }
    None
}

/// A container image of a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The name, with a registry if there is one: `postgres`.
    pub name: String,
    /// The tag: `17`.
    pub tag: String,
}

impl Image {
    /// The image that the backend's variable names, else the one that `ci/images` built, else the
    /// official one, which the engine pulls for the first container.
    pub(super) async fn choose(
        backend: &'static Description,
        host: &Host,
    ) -> Result<Self, BackendError> {
        let docker = connect_engine(host).await.map_err(|error| {
            let what_to_install = error.to_string();
            BackendError::Missing {
                backend,
                what_to_install,
            }
        })?;
        if let Some(named) = host.variable(backend.image_variable) {
            return Ok(Self::parse(named));
        }
        let [built, official] = backend.images.map(Self::parse);
        if built.is_present(&docker).await {
            Ok(built)
        } else {
            Ok(official)
        }
    }

    /// Whether the engine has pulled or built the image.
    pub(super) async fn is_present(&self, docker: &Docker) -> bool {
        docker.inspect_image(&self.to_string()).await.is_ok()
    }

    /// Parses `name`, `name:tag` or `name@sha256:digest`; the name may contain a registry with a port.
    fn parse(text: &str) -> Self {
        let (name, tag) = match text.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (text, "latest"),
        };
        Self {
            name: name.to_owned(),
            tag: tag.to_owned(),
        }
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_may_have_a_registry_with_a_port_a_tag_or_a_digest() {
        let read = |text| {
            let image = Image::parse(text);
            (image.name, image.tag)
        };
        let pair = |name: &str, tag: &str| (name.to_owned(), tag.to_owned());
        assert_eq!(read("postgres"), pair("postgres", "latest"));
        assert_eq!(read("postgres:17"), pair("postgres", "17"));
        assert_eq!(read("here:5000/redis"), pair("here:5000/redis", "latest"));
        assert_eq!(read("here:5000/redis:8"), pair("here:5000/redis", "8"));
        assert_eq!(
            read("redis@sha256:ab").0 + ":" + &read("redis@sha256:ab").1,
            "redis@sha256:ab"
        );
    }

    fn io_error(kind: ErrorKind) -> EngineError {
        EngineError::IOError { err: kind.into() }
    }

    #[test]
    fn a_failed_ping_is_classified_by_its_error() {
        let classified = |error| classify("there".to_owned(), &error);
        let refused = io_error(ErrorKind::ConnectionRefused);
        assert!(matches!(
            classified(refused),
            EngineUnavailable::Down { .. }
        ));
        let denied = io_error(ErrorKind::PermissionDenied);
        assert!(matches!(
            classified(denied),
            EngineUnavailable::Refuses { .. }
        ));
        let forbidden = EngineError::DockerResponseServerError {
            status_code: 403,
            message: "no".to_owned(),
        };
        assert!(matches!(
            classified(forbidden),
            EngineUnavailable::Refuses { .. }
        ));
        let faulty = EngineError::DockerResponseServerError {
            status_code: 500,
            message: "?".to_owned(),
        };
        assert!(matches!(
            classified(faulty),
            EngineUnavailable::Faulty { .. }
        ));
    }
}
