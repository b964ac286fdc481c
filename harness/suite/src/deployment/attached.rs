//! What the instances of a deployment attach to.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use conformance_engine::backends::postgres::Database;
use conformance_engine::backends::redis::RedisLease;
use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::sandbox::ports::Port;

use super::{Deployment, Settings, Slot};
use crate::component::{Component, Resource};
use crate::deployment::settings::{WRONG_PASSWORD, with_wrong_password};
use crate::doubles::user_service::UserServiceDouble;
use crate::site::{Site, failure};

/// What the instances of a deployment attach to.
pub enum Attached {
    /// A user service's.
    Backends {
        /// PostgreSQL, one database of it.
        database: Database,
        /// Redis, or a part of it.
        redis: RedisLease,
    },
    /// A gateway's, scripted by the scenario.
    Double {
        /// Stands in for the user service.
        double: Arc<UserServiceDouble>,
        /// Where it listens; kept as long as it does.
        _port: Port,
    },
    /// A gateway's, the user service of the same manifest.
    UserService(Rc<Deployment>),
}

impl Attached {
    /// What scenarios with a deployment of their own run on: nothing that others see.
    pub async fn own(site: &Rc<Site>, component: Component) -> StepResult<Self> {
        match component {
            Component::UserService => {
                let template = site.migrated().await?;
                let postgres = site.postgres().await?;
                let database = postgres
                    .as_ref()
                    .clone_from(&template)
                    .await
                    .map_err(failure)?;
                Self::backends(site, database).await
            }
            Component::Gateway => {
                let port = site.home().ports.take().map_err(Failure::broken)?;
                let double = Arc::new(UserServiceDouble::start(port.number()).await?);
                Ok(Self::Double {
                    double,
                    _port: port,
                })
            }
        }
    }

    /// What the shared deployment runs on: the user service of the manifest if it is judged as well.
    pub async fn shared(site: &Rc<Site>, component: Component) -> StepResult<Self> {
        if component == Component::Gateway && site.judges(Component::UserService) {
            let user_service = Box::pin(site.shared(Component::UserService)).await?;
            return Ok(Self::UserService(user_service));
        }
        Self::own(site, component).await
    }

    /// An empty database that nobody migrated.
    pub async fn unmigrated(site: &Site) -> StepResult<Self> {
        let postgres = site.postgres().await?;
        let database = postgres.create_empty().await.map_err(failure)?;
        Self::backends(site, database).await
    }

    async fn backends(site: &Site, database: Database) -> StepResult<Self> {
        let redis = site.redis().await?.lease().await.map_err(failure)?;
        Ok(Self::Backends { database, redis })
    }

    /// Where each resource is, without a link.
    pub async fn addresses(&self, site: &Site) -> StepResult<Vec<(Resource, SocketAddr)>> {
        Ok(match self {
            Self::Backends { redis, .. } => vec![
                (Resource::Database, site.postgres().await?.address()),
                (Resource::Redis, redis.address()),
            ],
            Self::Double { double, .. } => vec![(Resource::UserService, double.address())],
            Self::UserService(deployment) => {
                let port = deployment.slot(0)?.port("GRPC_PORT");
                vec![(Resource::UserService, ([127, 0, 0, 1], port).into())]
            }
        })
    }

    /// The variables that tell a program where its resources are: behind the links of its place.
    pub fn variables(
        &self,
        slot: &Slot,
        settings: &Settings,
    ) -> StepResult<Vec<(&'static str, String)>> {
        let Self::Backends { database, redis } = self else {
            let address = slot.link(Resource::UserService)?.address();
            return Ok(vec![("USER_SERVICE_ADDR", format!("http://{address}"))]);
        };
        let urls = [
            (
                "DATABASE_URL",
                database.url(slot.link(Resource::Database)?.address()),
            ),
            (
                "REDIS_URL",
                redis.url(slot.link(Resource::Redis)?.address()),
            ),
        ];
        let told = urls.map(|(name, url)| {
            if settings.asks_for(name, WRONG_PASSWORD) {
                (name, with_wrong_password(&url))
            } else {
                (name, url)
            }
        });
        Ok(told.into())
    }

    /// Gives back what was only lent.
    pub async fn end(&self) {
        if let Self::Backends { database, .. } = self {
            database.drop_now().await;
        }
    }
}
