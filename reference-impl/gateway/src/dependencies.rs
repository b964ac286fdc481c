//! What the server is built from. Tests replace single dependencies.

use std::sync::Arc;

use platform::health::Component;
pub use platform::http::Wrap;
use serde_json::Value;

use crate::client::{Channel, Client};
use crate::settings::Settings;
use crate::user_service::UserService;
use crate::{api, health_check};

/// The dependencies of a server.
pub struct Dependencies {
    /// Receives each attempt of a call.
    pub users: Arc<dyn UserService>,
    /// The attached resource and its health check (HLT-2).
    pub components: Vec<Component>,
    /// The document at `/openapi.json` (GWY-9).
    pub openapi: Value,
    /// Applied to the router of `PORT`, outermost.
    pub wrap_http: Wrap,
}

impl Dependencies {
    /// The user service of `settings`, over gRPC.
    pub fn new(settings: &Settings) -> Self {
        let channel = Channel::new(settings);
        Self {
            users: Arc::new(Client::new(channel.clone())),
            components: vec![health_check::user_service(settings, channel)],
            openapi: api::openapi::document(),
            wrap_http: Box::new(|router| router),
        }
    }
}
