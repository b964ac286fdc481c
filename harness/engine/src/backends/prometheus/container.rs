//! A Prometheus server in a container: it reaches this machine by the name that the engine gives to its host.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use testcontainers_modules::testcontainers::core::{Host, Mount};
use testcontainers_modules::testcontainers::{GenericImage, ImageExt as _};

use super::server::{Api, PROMETHEUS, StartedBackend, broken, config};
use super::targets::Targets;
use crate::backends::container::{Container, POLL_INTERVAL};
use crate::backends::engine::Image;
use crate::backends::provider::{BackendError, BackendInfo, ProviderKind};
use crate::backends::server::{Workspace, wait_until_ready};

/// The port within the container.
const PORT: u16 = 9090;

/// The folder of configuration and targets within the container.
const FOLDER: &str = "/conformance";

/// This machine, as a container names it.
const THIS_MACHINE: &str = "host.docker.internal";

/// Starts the server.
pub(super) async fn start(
    image: Image,
    workspace: Workspace,
) -> Result<StartedBackend, BackendError> {
    // A folder of its own, since the server's user must be able to read it.
    let folder = workspace.folder.join("shared");
    let targets = folder.join("targets");
    let readable = std::fs::Permissions::from_mode(0o755);
    std::fs::create_dir_all(&targets)
        .and_then(|()| std::fs::set_permissions(&folder, readable.clone()))
        .and_then(|()| std::fs::set_permissions(&targets, readable))
        .and_then(|()| {
            let text = config(&format!("{FOLDER}/targets"));
            std::fs::write(folder.join("prometheus.yml"), text)
        })
        .map_err(|error| broken(error.to_string(), "check the free disk space"))?;
    let request = GenericImage::new(&image.name, &image.tag)
        .with_cmd([
            format!("--config.file={FOLDER}/prometheus.yml"),
            "--storage.tsdb.path=/tmp/data".to_owned(),
            format!("--web.listen-address=0.0.0.0:{PORT}"),
        ])
        .with_mount(Mount::bind_mount(folder.to_string_lossy(), FOLDER))
        .with_host(THIS_MACHINE, Host::HostGateway);
    let server = Container::start(&PROMETHEUS, 1, PORT, request, workspace).await?;
    let api = Api::new(&format!("http://{}", server.address()));
    let api = api.map_err(|cause| broken(cause, "this is a bug of the suite"))?;
    let version = wait_until_ready(&server, POLL_INTERVAL, || api.version()).await?;
    Ok(StartedBackend {
        info: BackendInfo {
            provider: ProviderKind::Container,
            version,
        },
        api,
        targets: Targets::new(&targets, Some(THIS_MACHINE)),
        server: Some(Arc::new(server)),
    })
}
