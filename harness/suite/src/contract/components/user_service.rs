//! The user service: gRPC on PostgreSQL and Redis.

use super::{Component, Need, RequestHold, Resource, ResourceKind, UsersApi};

/// The user service.
pub static USER_SERVICE: Component = Component {
    name: "user-service",
    ports: &["PORT", "METRICS_PORT", "GRPC_PORT"],
    resources: &[DATABASE, REDIS],
    users_api: Some(UsersApi::Grpc),
    request_hold: Some(RequestHold::LockedTables),
    text_places: &["the name of a method"],
};

/// Its PostgreSQL database.
pub const DATABASE: Resource = Resource {
    name: "database",
    phrase: "the database",
    variable: "DATABASE_URL",
    kind: ResourceKind::Postgres,
    need: Need::Required,
};

/// Its Redis, which `HEALTH_OPTIONAL` names by default.
pub const REDIS: Resource = Resource {
    name: "redis",
    phrase: "Redis",
    variable: "REDIS_URL",
    kind: ResourceKind::Redis,
    need: Need::Optional,
};
