//! What the suite needs to know of each component, as data.
//!
//! - [`user_service`], [`gateway`]: one description each; [`COMPONENTS`] lists them
//!
//! Everything that is not in a description holds for every component. A new component is a new file here and a line
//! of the catalogue; see `docs/add-a-component.md`.
//!
//! [`COMPONENTS`]: super::catalogue::COMPONENTS

pub mod gateway;
pub mod user_service;

use conformance_engine::backends::backend::BackendHandle as _;
use conformance_engine::backends::postgres::Postgres;
use conformance_engine::backends::redis::Redis;

/// A program of the platform.
#[derive(Debug)]
pub struct Component {
    /// The name in manifests and tags.
    pub name: &'static str,
    /// The variables of the ports that it serves on; `PORT` is one of them.
    pub ports: &'static [&'static str],
    /// Its dependencies, which its health answers list (HLT-2).
    pub resources: &'static [Resource],
    /// How it takes calls about users, if it does.
    pub users_api: Option<UsersApi>,
    /// How a scenario keeps one of its requests in flight; `None` if it takes no requests that can be held.
    pub request_hold: Option<RequestHold>,
    /// Where a client can put text, besides what all components have (LOG-5).
    pub text_places: &'static [&'static str],
}

/// A dependency of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// Its name in health answers (HLT-2).
    pub name: &'static str,
    /// Its name in steps: `the database`.
    pub phrase: &'static str,
    /// The variable with its address.
    pub variable: &'static str,
    /// What provides it.
    pub kind: ResourceKind,
    /// Whether its component needs it to be ready.
    pub need: Need,
}

/// What provides a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceKind {
    /// A database of the PostgreSQL backend, prepared by the component's `migrate`.
    Postgres,
    /// A lease of the Redis backend.
    Redis,
    /// A user service: a scripted double, or the one of the same manifest.
    UserService,
}

impl ResourceKind {
    /// The backend that provides it, by its name in the engine's registry.
    pub fn backend(self) -> Option<&'static str> {
        match self {
            Self::Postgres => Some(Postgres::NAME),
            Self::Redis => Some(Redis::NAME),
            Self::UserService => None,
        }
    }
}

/// Whether a component needs a resource to be ready (HLT-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Without it the component is unhealthy.
    Required,
    /// Without it the component is degraded.
    Optional,
    /// Required by default; scenarios about an optional resource name it in `HEALTH_OPTIONAL`.
    Configurable,
}

/// How a component takes calls about users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsersApi {
    /// `user.v1.UserService` on `GRPC_PORT`.
    Grpc,
    /// The routes of GWY-1 on `PORT`.
    Http,
}

/// How a scenario keeps a request in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestHold {
    /// Its statement waits for a lock on every table.
    LockedTables,
    /// The scripted user service holds its answer back.
    ScriptedUserService,
}

impl Component {
    /// The resource without which it is not ready.
    pub fn required(&self) -> Option<Resource> {
        self.first_resource(|need| need != Need::Optional)
    }

    /// The resource without which it is degraded, by default or by `HEALTH_OPTIONAL`.
    pub fn optional(&self) -> Option<Resource> {
        self.first_resource(|need| need != Need::Required)
    }

    /// Whether one of its resources is of this kind.
    pub fn uses(&self, kind: ResourceKind) -> bool {
        self.resources.iter().any(|it| it.kind == kind)
    }

    fn first_resource(&self, wanted: impl Fn(Need) -> bool) -> Option<Resource> {
        self.resources.iter().copied().find(|it| wanted(it.need))
    }
}

impl PartialEq for Component {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::catalogue::COMPONENTS;

    #[test]
    fn every_component_serves_on_port() {
        for component in COMPONENTS {
            assert!(component.ports.contains(&"PORT"), "{}", component.name);
        }
    }

    #[test]
    fn the_user_service_needs_its_database_and_not_its_redis() {
        let component = &user_service::USER_SERVICE;
        assert_eq!(component.required(), Some(user_service::DATABASE));
        assert_eq!(component.optional(), Some(user_service::REDIS));
    }

    #[test]
    fn the_only_resource_of_a_gateway_is_required_and_may_be_configured_as_optional() {
        let component = &gateway::GATEWAY;
        assert_eq!(component.required(), Some(gateway::USER_SERVICE));
        assert_eq!(component.optional(), Some(gateway::USER_SERVICE));
    }
}
