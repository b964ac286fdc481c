//! How the user service is asked for its health (HLT-9).

use std::sync::Arc;

use async_trait::async_trait;
use platform::health::{Check, Component, Unwell};
use tonic::Request;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::client::{Channel, is_of_connection};
use crate::settings::{Settings, USER_SERVICE};

/// The component `user-service`: healthy while `grpc.health.v1` says that its service is serving.
pub fn user_service(settings: &Settings, channel: Channel) -> Component {
    let health = &settings.common.health;
    Component {
        name: USER_SERVICE,
        optional: health.optional.contains(USER_SERVICE),
        check: Arc::new(UserServiceCheck { channel }),
    }
}

/// Asks on the connection of the calls: what is silent for the check is silent for them.
struct UserServiceCheck {
    channel: Channel,
}

#[async_trait]
impl Check for UserServiceCheck {
    async fn check(&self) -> Result<(), Unwell> {
        let request = HealthCheckRequest {
            service: user_proto::SERVICE_NAME.to_owned(),
        };
        let origin = self.channel.origin();
        let answer = HealthClient::with_origin(self.channel.clone(), origin)
            .check(Request::new(request))
            .await;
        match answer.map(|it| it.into_inner().status()) {
            Ok(ServingStatus::Serving) => Ok(()),
            Ok(_) => Err(Unwell("not serving")),
            Err(status) if is_of_connection(&status) => Err(Unwell("cannot connect")),
            Err(_) => Err(Unwell("cannot ask")),
        }
    }
}
