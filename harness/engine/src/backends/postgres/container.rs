//! A PostgreSQL server in a container.

use async_trait::async_trait;
use testcontainers_modules::postgres;
use testcontainers_modules::testcontainers::ImageExt as _;
use testcontainers_modules::testcontainers::core::Mount;

use super::managed::{ADMIN_ROLE, SETTINGS, TIME_ZONE, admin_config, prepare, probe};
use super::server::{POSTGRES, ServerHandle, StartedBackend};

use crate::backends::container::{Container, POLL_INTERVAL};
use crate::backends::engine::Image;
use crate::backends::provider::{BackendError, BackendInfo, ProviderKind};
use crate::backends::server::{ManagedServer as _, Workspace, random_password, wait_until_ready};

/// The port of the server inside the container.
const PORT: u16 = 5432;

/// The folder of the databases, a tmpfs. Not the image's default, which may be a volume on disk.
const DATA_FOLDER: &str = "/databases";

/// Arguments of `initdb` (PostgreSQL 15 or newer), with a collation other than the order of code points.
const INITDB_ARGUMENTS: &str = "--no-sync --auth=scram-sha-256 --encoding=UTF8 --locale=C --locale-provider=icu --icu-locale=en-US";

/// Starts a container and waits until its server answers.
pub(super) async fn start(
    image: &Image,
    workspace: Workspace,
) -> Result<StartedBackend, BackendError> {
    let password = random_password();
    let settings = SETTINGS.iter().flat_map(|it| ["-c", it]);
    let request = postgres::Postgres::default()
        .with_user(ADMIN_ROLE)
        .with_password(&password)
        .with_name(&image.name)
        .with_tag(&image.tag)
        .with_env_var("POSTGRES_INITDB_ARGS", INITDB_ARGUMENTS)
        .with_env_var("PGDATA", format!("{DATA_FOLDER}/cluster"))
        .with_env_var("TZ", TIME_ZONE)
        .with_mount(Mount::tmpfs_mount(DATA_FOLDER))
        .with_cmd(
            ["postgres", "-c", "listen_addresses=*"]
                .into_iter()
                .chain(settings),
        );
    let server = Container::start(&POSTGRES, 1, PORT, request, workspace).await?;
    let address = server.address();
    let admin = admin_config(address, &password);
    wait_until_ready(&server, POLL_INTERVAL, || probe(admin.clone())).await?;
    let prepared = prepare(address, admin).await;
    let (endpoint, version) = prepared.map_err(|cause| server.broken(cause))?;
    Ok(StartedBackend {
        info: BackendInfo {
            provider: ProviderKind::Container,
            version,
        },
        endpoint,
        handle: Box::new(InContainer { server }),
    })
}

struct InContainer {
    server: Container<postgres::Postgres>,
}

#[async_trait]
impl ServerHandle for InContainer {
    async fn exit_error(&self) -> Option<BackendError> {
        self.server.exit_error_after_failure().await
    }

    fn is_disposable(&self) -> bool {
        true
    }

    async fn stop(&self) {
        self.server.stop().await;
    }
}
