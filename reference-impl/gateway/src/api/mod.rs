//! The routes under `/api/v1` (GWY-1): from requests to calls, from responses to JSON.
//!
//! - [`handlers`]: the routes
//! - [`parameters`]: of paths and queries
//! - [`request_body`], [`response_body`]: JSON
//! - [`openapi`]: all of this as a document

pub mod handlers;
pub mod openapi;
pub mod parameters;
pub mod request_body;
pub mod response_body;

use std::sync::Arc;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::upstream::Upstream;

/// The routes.
pub fn router(upstream: Arc<Upstream>) -> Router {
    let (router, _) = documented().with_state(upstream).split_for_parts();
    router
}

/// The routes, each with its description.
fn documented() -> OpenApiRouter<Arc<Upstream>> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(handlers::list_users, handlers::create_user))
        .routes(routes!(
            handlers::get_user,
            handlers::update_user,
            handlers::delete_user
        ))
}
