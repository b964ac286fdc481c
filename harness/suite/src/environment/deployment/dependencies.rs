//! What the instances of a deployment depend on.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use conformance_engine::backends::postgres::Database;
use conformance_engine::backends::redis::RedisLease;
use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::sandbox::ports::Port;

use super::settings::{WRONG_PASSWORD, with_wrong_password};
use super::{Deployment, Settings, Slot};
use crate::contract::components::user_service::USER_SERVICE;
use crate::contract::components::{Component, Resource, ResourceKind};
use crate::doubles::user_service::UserServiceDouble;
use crate::drivers::backend_failure;
use crate::environment::Environment;

/// What the instances of a deployment depend on: one provider for each resource of the component.
pub struct Dependencies(Vec<(Resource, Provider)>);

/// What provides a resource.
enum Provider {
    /// A database of the PostgreSQL server.
    Database(Database),
    /// A Redis server, or one database of it.
    Redis(RedisLease),
    /// A user service that the scenario scripts.
    Double {
        double: Arc<UserServiceDouble>,
        /// Its port, reserved as long as it listens.
        _port: Port,
    },
    /// The user service of the same manifest.
    Deployment(Rc<Deployment>),
}

/// How resources are provided.
enum Provision {
    /// A copy of the migrated database, a lease, a double.
    Own,
    /// The same with an empty database.
    Unmigrated,
    /// The same with this deployment of the user service in place of the double.
    Peer(Rc<Deployment>),
}

impl Dependencies {
    /// Dependencies of an own deployment: shared with no other scenario.
    pub async fn own(
        environment: &Rc<Environment>,
        component: &'static Component,
    ) -> StepResult<Self> {
        Self::with(environment, component, &Provision::Own).await
    }

    /// The same with an empty database, not migrated.
    pub async fn unmigrated(
        environment: &Rc<Environment>,
        component: &'static Component,
    ) -> StepResult<Self> {
        Self::with(environment, component, &Provision::Unmigrated).await
    }

    /// Dependencies of the shared deployment: the user service of the manifest if it is judged as well.
    pub async fn shared(
        environment: &Rc<Environment>,
        component: &'static Component,
    ) -> StepResult<Self> {
        if component.uses(ResourceKind::UserService) && environment.judges(&USER_SERVICE) {
            let user_service = Box::pin(environment.shared(&USER_SERVICE)).await?;
            let provision = Provision::Peer(user_service);
            return Self::with(environment, component, &provision).await;
        }
        Self::own(environment, component).await
    }

    async fn with(
        environment: &Rc<Environment>,
        component: &'static Component,
        provision: &Provision,
    ) -> StepResult<Self> {
        let mut providers = Vec::new();
        for resource in component.resources {
            let provider = match (resource.kind, provision) {
                (ResourceKind::Postgres, Provision::Unmigrated) => {
                    empty_database(environment).await?
                }
                (ResourceKind::Postgres, _) => copied_database(environment, component).await?,
                (ResourceKind::Redis, _) => leased_redis(environment).await?,
                (ResourceKind::UserService, Provision::Peer(deployment)) => {
                    Provider::Deployment(deployment.clone())
                }
                (ResourceKind::UserService, _) => double(environment).await?,
            };
            providers.push((*resource, provider));
        }
        Ok(Self(providers))
    }

    /// The database.
    pub fn database(&self) -> Option<&Database> {
        self.find(|provider| match provider {
            Provider::Database(database) => Some(database),
            _ => None,
        })
    }

    /// The Redis lease.
    pub fn redis(&self) -> Option<&RedisLease> {
        self.find(|provider| match provider {
            Provider::Redis(redis) => Some(redis),
            _ => None,
        })
    }

    /// The scripted user service.
    pub fn double(&self) -> Option<&Arc<UserServiceDouble>> {
        self.find(|provider| match provider {
            Provider::Double { double, .. } => Some(double),
            _ => None,
        })
    }

    /// The deployment of the user service.
    pub fn peer(&self) -> Option<&Rc<Deployment>> {
        self.find(|provider| match provider {
            Provider::Deployment(deployment) => Some(deployment),
            _ => None,
        })
    }

    fn find<'a, T>(&'a self, pick: impl Fn(&'a Provider) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(|(_, provider)| pick(provider))
    }

    /// The address of each resource, without a link.
    pub async fn addresses(
        &self,
        environment: &Environment,
    ) -> StepResult<Vec<(Resource, SocketAddr)>> {
        let mut addresses = Vec::new();
        for (resource, provider) in &self.0 {
            let address = match provider {
                Provider::Database(_) => environment.postgres().await?.address(),
                Provider::Redis(redis) => redis.address(),
                Provider::Double { double, .. } => double.address(),
                Provider::Deployment(deployment) => {
                    ([127, 0, 0, 1], deployment.slot(0)?.port("GRPC_PORT")?).into()
                }
            };
            addresses.push((*resource, address));
        }
        Ok(addresses)
    }

    /// The variables with the addresses of the resources, each behind the link of the slot.
    pub fn variables(
        &self,
        slot: &Slot,
        settings: &Settings,
    ) -> StepResult<Vec<(&'static str, String)>> {
        let mut variables = Vec::new();
        for (resource, provider) in &self.0 {
            let address = slot.link(*resource)?.address();
            let url = match provider {
                Provider::Database(database) => database.url(address),
                Provider::Redis(redis) => redis.url(address),
                Provider::Double { .. } | Provider::Deployment(_) => format!("http://{address}"),
            };
            let url = if settings.has(resource.variable, WRONG_PASSWORD) {
                with_wrong_password(&url)
            } else {
                url
            };
            variables.push((resource.variable, url));
        }
        Ok(variables)
    }

    /// The passwords in the variables.
    pub fn passwords(&self) -> Vec<&str> {
        let passwords = self.0.iter().filter_map(|(_, provider)| match provider {
            Provider::Database(database) => database.password(),
            Provider::Redis(redis) => redis.password(),
            Provider::Double { .. } | Provider::Deployment(_) => None,
        });
        passwords.collect()
    }

    /// Releases what was leased.
    pub async fn end(&self) {
        if let Some(database) = self.database() {
            database.drop_now().await;
        }
    }
}

async fn copied_database(
    environment: &Rc<Environment>,
    component: &'static Component,
) -> StepResult<Provider> {
    let template = environment.migrated(component).await?;
    let postgres = environment.postgres().await?;
    let database = postgres.as_ref().clone_from(&template).await;
    database.map(Provider::Database).map_err(backend_failure)
}

async fn empty_database(environment: &Environment) -> StepResult<Provider> {
    let postgres = environment.postgres().await?;
    let database = postgres.create_empty().await;
    database.map(Provider::Database).map_err(backend_failure)
}

async fn leased_redis(environment: &Environment) -> StepResult<Provider> {
    let redis = environment.redis().await?.lease().await;
    redis.map(Provider::Redis).map_err(backend_failure)
}

async fn double(environment: &Environment) -> StepResult<Provider> {
    let port = environment.home().ports.take().map_err(Failure::broken)?;
    let double = Arc::new(UserServiceDouble::start(port.number()).await?);
    Ok(Provider::Double {
        double,
        _port: port,
    })
}
