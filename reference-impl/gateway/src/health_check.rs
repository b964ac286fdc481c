//! Checks the health of the user service (HLT-9).

use std::sync::Arc;

use async_trait::async_trait;
use platform::health::{Check, CheckFailed, Component};
use tonic::Request;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::client::{Channel, is_transport_error};
use crate::settings::{Settings, USER_SERVICE};

/// The component `user-service`: healthy while `grpc.health.v1` reports its service as SERVING.
pub fn user_service(settings: &Settings, channel: Channel) -> Component {
    let health = &settings.common.health;
    Component {
        name: USER_SERVICE,
        optional: health.optional.contains(USER_SERVICE),
        check: Arc::new(UserServiceCheck { channel }),
    }
}

/// Uses the connection of the calls: a connection that is silent for the check is silent for them.
struct UserServiceCheck {
    channel: Channel,
}

#[async_trait]
impl Check for UserServiceCheck {
    async fn check(&self) -> Result<(), CheckFailed> {
        let request = HealthCheckRequest {
            service: user_proto::SERVICE_NAME.to_owned(),
        };
        let origin = self.channel.origin();
        let response = HealthClient::with_origin(self.channel.clone(), origin)
            .check(Request::new(request))
            .await;
        match response.map(|response| response.into_inner().status()) {
            Ok(ServingStatus::Serving) => Ok(()),
            Ok(_) => Err(CheckFailed("not serving")),
            Err(status) if is_transport_error(&status) => Err(CheckFailed("cannot connect")),
            Err(_) => Err(CheckFailed("call failed")),
        }
    }
}
