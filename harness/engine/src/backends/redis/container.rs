//! Redis servers in containers.

use async_trait::async_trait;
use testcontainers_modules::redis::{REDIS_PORT, Redis};
use testcontainers_modules::testcontainers::ImageExt as _;

use super::lease::{Endpoint, REDIS, Started};
use super::pool::{self, Launcher, Running, first_look};
use crate::backends::container::{Container, PAUSE};
use crate::backends::engine::Image;
use crate::backends::provider::{BackendError, ProviderKind};
use crate::backends::server::{Workspace, random_password, ready};

/// Each costs most of a second to start and some memory; a further lease waits.
const MOST: usize = 16;

/// Starts the first server, which waits for the first lease.
pub(super) async fn start(image: Image, place: Workspace) -> Result<Started, BackendError> {
    pool::start(Containers { image, place }).await
}

struct Containers {
    image: Image,
    place: Workspace,
}

#[async_trait]
impl Launcher for Containers {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Container
    }

    fn most(&self) -> usize {
        MOST
    }

    async fn launch(&self, number: u64) -> Result<Running, BackendError> {
        let password = random_password();
        let request = Redis::default()
            .with_name(&self.image.name)
            .with_tag(&self.image.tag)
            .with_cmd(command(&password));
        let place = self.place.clone();
        let server = Container::start(&REDIS, number, REDIS_PORT, request, place).await?;
        let endpoint = Endpoint {
            address: server.address(),
            user: None,
            password: Some(password),
            database: 0,
        };
        let settings = ready(&server, PAUSE, || first_look(endpoint.clone())).await?;
        Ok(Running {
            server: Box::new(server),
            endpoint,
            settings,
        })
    }
}

/// The `redis` image's command, with nothing kept on disk.
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
