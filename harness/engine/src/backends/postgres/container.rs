//! A PostgreSQL server in a container.

use async_trait::async_trait;
use testcontainers_modules::postgres;
use testcontainers_modules::testcontainers::ImageExt as _;
use testcontainers_modules::testcontainers::core::Mount;

use super::own::{ADMIN, SETTINGS, TIME_ZONE, admin_config, first_look, prepare};
use super::server::{POSTGRES, ServerHandle, Started};

use crate::backends::container::{Container, PAUSE};
use crate::backends::engine::Image;
use crate::backends::provider::{BackendError, BackendInfo, ProviderKind};
use crate::backends::server::{OwnServer as _, Workspace, random_password, ready};

const PORT: u16 = 5432;

/// Where the databases lie: in memory, and not where an image has a volume.
const DATA: &str = "/databases";

/// PostgreSQL 15 or newer: a collation that is not the order of code points.
const INITDB: &str = "--no-sync --auth=scram-sha-256 --encoding=UTF8 --locale=C --locale-provider=icu --icu-locale=en-US";

/// Starts a container and waits until its server answers.
pub(super) async fn start(image: &Image, place: Workspace) -> Result<Started, BackendError> {
    let password = random_password();
    let settings = SETTINGS.iter().flat_map(|it| ["-c", it]);
    let request = postgres::Postgres::default()
        .with_user(ADMIN)
        .with_password(&password)
        .with_name(&image.name)
        .with_tag(&image.tag)
        .with_env_var("POSTGRES_INITDB_ARGS", INITDB)
        .with_env_var("PGDATA", format!("{DATA}/cluster"))
        .with_env_var("TZ", TIME_ZONE)
        .with_mount(Mount::tmpfs_mount(DATA))
        .with_cmd(
            ["postgres", "-c", "listen_addresses=*"]
                .into_iter()
                .chain(settings),
        );
    let server = Container::start(&POSTGRES, 1, PORT, request, place).await?;
    let address = server.address();
    let admin = admin_config(address, &password);
    ready(&server, PAUSE, || first_look(admin.clone())).await?;
    let prepared = prepare(address, admin).await;
    let (endpoint, version) = prepared.map_err(|cause| server.broken(cause))?;
    Ok(Started {
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
    async fn end(&self) -> Option<BackendError> {
        self.server.end_soon().await
    }

    fn is_disposable(&self) -> bool {
        true
    }

    async fn stop(&self) {
        self.server.stop().await;
    }
}
