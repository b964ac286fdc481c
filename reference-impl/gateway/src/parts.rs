//! What the gateway is put together from. Each part can be replaced by another.

use std::sync::Arc;

use platform::health::Component;
pub use platform::http::Wrap;
use serde_json::Value;

use crate::client::{Channel, Client};
use crate::rules::Rules;
use crate::settings::Settings;
use crate::user_service::UserService;
use crate::{api, check};

/// The parts of a running gateway.
pub struct Parts {
    /// What the contract says.
    pub rules: Rules,
    /// Where each try of a call goes.
    pub users: Arc<dyn UserService>,
    /// The attached resource, and how it is checked (HLT-2).
    pub components: Vec<Component>,
    /// What `/openapi.json` shows (GWY-9).
    pub openapi: Value,
    /// Put around all of HTTP on `PORT`, outermost.
    pub wrap_http: Wrap,
}

impl Parts {
    /// The parts that meet the contract.
    pub fn contract(settings: &Settings) -> Self {
        Self::with_rules(settings, Rules::default())
    }

    /// The parts that meet the contract as these rules have it. (Those about connections are part
    /// of the connection, once it is made.)
    pub fn with_rules(settings: &Settings, rules: Rules) -> Self {
        let channel = Channel::new(settings, rules.connection);
        Self {
            users: Arc::new(Client::new(channel.clone())),
            components: vec![check::user_service(settings, channel)],
            openapi: api::openapi::document(&rules),
            wrap_http: Box::new(|router| router),
            rules,
        }
    }
}
