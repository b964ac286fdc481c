//! Redis servers in containers.

use async_trait::async_trait;
use testcontainers_modules::redis::{REDIS_PORT, Redis};
use testcontainers_modules::testcontainers::ImageExt as _;

use super::lease::{Endpoint, REDIS, StartedBackend};
use super::pool::{self, Launcher, RunningServer, probe};
use crate::backends::container::{Container, POLL_INTERVAL};
use crate::backends::engine::Image;
use crate::backends::provider::{BackendError, ProviderKind};
use crate::backends::server::{Workspace, random_password, wait_until_ready};

/// Maximum number of concurrent servers: each takes almost a second to start, and some memory.
const MAX_SERVERS: usize = 16;

/// Starts the pool and its first server.
pub(super) async fn start(
    image: Image,
    workspace: Workspace,
) -> Result<StartedBackend, BackendError> {
    pool::start(ContainerLauncher { image, workspace }).await
}

struct ContainerLauncher {
    image: Image,
    workspace: Workspace,
}

#[async_trait]
impl Launcher for ContainerLauncher {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Container
    }

    fn max_leases(&self) -> usize {
        MAX_SERVERS
    }

    async fn launch(&self, number: u64) -> Result<RunningServer, BackendError> {
        let password = random_password();
        let request = Redis::default()
            .with_name(&self.image.name)
            .with_tag(&self.image.tag)
            .with_cmd(command(&password));
        let workspace = self.workspace.clone();
        let server = Container::start(&REDIS, number, REDIS_PORT, request, workspace).await?;
        let endpoint = Endpoint {
            address: server.address(),
            user: None,
            password: Some(password),
            database: 0,
        };
        let settings = wait_until_ready(&server, POLL_INTERVAL, || probe(endpoint.clone())).await?;
        Ok(RunningServer {
            server: Box::new(server),
            endpoint,
            settings,
        })
    }
}

/// The command of the `redis` image, without persistence.
fn command(password: &str) -> [String; 7] {
    [
        "redis-server",
        "--requirepass",
        password,
        "--save",
        "",
        "--appendonly",
        "no",
    ]
    .map(str::to_owned)
}
