//! The routes under `/api/v1` (GWY-1): from requests to calls, from answers to JSON.
//!
//! - [`handlers`]: the routes
//! - [`parse`]: what paths, queries and names of statuses mean
//! - [`body`]: what clients send as JSON
//! - [`wire`]: what they get
//! - [`openapi`]: all of this as a document

pub mod body;
pub mod handlers;
pub mod openapi;
pub mod parse;
pub mod wire;

use std::sync::Arc;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::guarded::Guarded;
use crate::rules::Rules;

/// What the routes work with.
pub struct Gateway {
    /// What the contract says.
    pub rules: Rules,
    /// Where calls go.
    pub users: Guarded,
}

/// The routes.
pub fn router(gateway: Arc<Gateway>) -> Router {
    let (router, _) = documented().with_state(gateway).split_for_parts();
    router
}

/// The routes, each with its description.
fn documented() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(handlers::list_users, handlers::create_user))
        .routes(routes!(
            handlers::get_user,
            handlers::update_user,
            handlers::delete_user
        ))
}
