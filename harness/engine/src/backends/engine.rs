//! The container engine: whether it answers, and which image a backend's container is made from.

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

use super::engine_host::{self, HOST};
use super::provider::{BackendError, Description, chain};
use crate::sandbox::host::Host;

/// How long the engine may take to say that it is there.
const PING_LIMIT: Duration = Duration::from_secs(10);

/// Why no container can be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EngineUnavailable {
    /// This host is not asked for one.
    #[error("no container engine is looked for")]
    NotWanted,
    /// Docker's settings lead nowhere.
    #[error("no container engine: {0}, or set {HOST} to one that runs")]
    Context(String),
    /// No process listens there.
    #[error(
        "no container engine answers at {place} ({cause}): start one (`ci/setup --containers`, or \
         `systemctl start docker`), or set {HOST} to one that runs"
    )]
    Down { place: String, cause: String },
    /// It listens, and not to this user.
    #[error(
        "the container engine at {place} refuses this user ({cause}): run as root or join the group \
         of its socket"
    )]
    Refuses { place: String, cause: String },
    /// It answers with something else.
    #[error("the container engine at {place} does not work: {cause}")]
    Odd { place: String, cause: String },
}

/// The engine, asked for a sign of life.
pub(super) async fn engine(host: &Host) -> Result<Docker, EngineUnavailable> {
    if !host.has_engine() {
        return Err(EngineUnavailable::NotWanted);
    }
    let place = engine_host::resolve(host).map_err(EngineUnavailable::Context)?;
    let docker = docker_client_instance().await.map_err(|error| {
        let cause = chain(&error);
        EngineUnavailable::Down {
            place: place.clone(),
            cause,
        }
    })?;
    match timeout(PING_LIMIT, docker.ping()).await {
        Ok(Ok(_)) => Ok(docker),
        Ok(Err(error)) => Err(judge(place, &error)),
        Err(_) => {
            let cause = format!("no answer within {} s", PING_LIMIT.as_secs());
            Err(EngineUnavailable::Odd { place, cause })
        }
    }
}

/// Where the engine is looked for, for people.
pub(super) fn place(host: &Host) -> String {
    engine_host::resolve(host).unwrap_or_else(|error| error)
}

/// Where ports of containers are published and reached: this machine alone needs them. `None` where
/// the engine is another machine's.
pub(super) async fn publishing(docker: &Docker, host: &Host) -> Option<IpAddr> {
    let place = place(host);
    if !place.starts_with("unix:") {
        return None;
    }
    let loopback = Ipv4Addr::LOCALHOST.into();
    if !Path::new(IN_CONTAINER).exists() {
        return Some(loopback);
    }
    let options = None::<InspectNetworkOptions>;
    let bridge = docker.inspect_network("bridge", options).await.ok();
    let configs = bridge.and_then(|it| it.ipam).and_then(|it| it.config);
    let mut gateways = configs.into_iter().flatten().filter_map(|it| it.gateway);
    let gateway = gateways.find_map(|it| it.parse().ok());
    // The engine's host has it; a container that was given the engine's socket has not.
    let is_foreign = |it: &IpAddr| TcpListener::bind((*it, 0)).is_err();
    Some(gateway.filter(is_foreign).unwrap_or(loopback))
}

/// What Docker puts into containers, and some into images of whole machines.
const IN_CONTAINER: &str = "/.dockerenv";

fn judge(place: String, error: &EngineError) -> EngineUnavailable {
    let cause = innermost(error);
    let refused = matches!(
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
        _ if refused => EngineUnavailable::Refuses { place, cause },
        Some(_) => EngineUnavailable::Down { place, cause },
        None if matches!(error, EngineError::SocketNotFoundError(_)) => {
            EngineUnavailable::Down { place, cause }
        }
        None => EngineUnavailable::Odd { place, cause },
    }
}

/// The innermost cause; the libraries' own layers add nothing.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// What the system said, somewhere below.
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

/// An image for a backend's container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// `postgres`, or with a registry before it.
    pub name: String,
    /// `17`, or `latest`.
    pub tag: String,
}

impl Image {
    /// The image that the backend's variable names, else the one that `ci/images` built, else the
    /// official one, which the engine pulls when the first container wants it.
    pub(super) async fn find(
        backend: &'static Description,
        host: &Host,
    ) -> Result<Self, BackendError> {
        let docker = engine(host).await.map_err(|error| {
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
        if built.is_there(&docker).await {
            Ok(built)
        } else {
            Ok(official)
        }
    }

    /// Whether the engine has it already.
    pub(super) async fn is_there(&self, docker: &Docker) -> bool {
        docker.inspect_image(&self.to_string()).await.is_ok()
    }

    /// `name`, `name:tag` or `name@sha256:digest`, where the name may hold a port.
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

    fn io(kind: ErrorKind) -> EngineError {
        EngineError::IOError { err: kind.into() }
    }

    #[test]
    fn an_engine_that_is_down_differs_from_one_that_refuses() {
        let judged = |error| judge("there".to_owned(), &error);
        let refused = io(ErrorKind::ConnectionRefused);
        assert!(matches!(judged(refused), EngineUnavailable::Down { .. }));
        let denied = io(ErrorKind::PermissionDenied);
        assert!(matches!(judged(denied), EngineUnavailable::Refuses { .. }));
        let forbidden = EngineError::DockerResponseServerError {
            status_code: 403,
            message: "no".to_owned(),
        };
        assert!(matches!(
            judged(forbidden),
            EngineUnavailable::Refuses { .. }
        ));
        let odd = EngineError::DockerResponseServerError {
            status_code: 500,
            message: "?".to_owned(),
        };
        assert!(matches!(judged(odd), EngineUnavailable::Odd { .. }));
    }
}
