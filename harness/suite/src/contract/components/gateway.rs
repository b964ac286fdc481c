//! The gateway: HTTP on a user service.

use super::{Component, Need, RequestHold, Resource, ResourceKind, UsersApi};

/// The gateway.
pub static GATEWAY: Component = Component {
    name: "gateway",
    ports: &["PORT", "METRICS_PORT"],
    resources: &[USER_SERVICE],
    users_api: Some(UsersApi::Http),
    request_hold: Some(RequestHold::ScriptedUserService),
    text_places: &[
        "the path of a route",
        "the query of a route",
        "a body that is no JSON",
        "a member of the wrong type",
        "a message of the user service",
        "a user that the user service sends",
    ],
};

/// The user service that it calls.
pub const USER_SERVICE: Resource = Resource {
    name: "user-service",
    phrase: "the user service",
    variable: "USER_SERVICE_ADDR",
    kind: ResourceKind::UserService,
    need: Need::Configurable,
};
