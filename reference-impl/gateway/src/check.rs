//! How the user service is asked for its health (HLT-9), and what that tells of the connection.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use platform::health::{Check, Component, Unwell};
use tokio::time::{Instant, timeout};
use tonic::{Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::client::{Channel, Connection, is_of_connection};
use crate::settings::{Settings, USER_SERVICE};

/// The component `user-service`: healthy while `grpc.health.v1` says that its service is serving.
pub fn user_service(settings: &Settings, channel: Channel) -> Component {
    let health = &settings.common.health;
    Component {
        name: USER_SERVICE,
        optional: health.optional.contains(USER_SERVICE),
        check: Arc::new(UserServiceCheck {
            channel,
            patience: health.check_timeout / 2,
        }),
    }
}

/// Asks on the connection of the calls: what is silent for the check is silent for them.
struct UserServiceCheck {
    channel: Channel,
    /// How long the connection may take: after an outage it may be silent for ever, and the same
    /// check must still find out whether a new one works (HLT-7).
    patience: Duration,
}

#[async_trait]
impl Check for UserServiceCheck {
    async fn check(&self) -> Result<(), Unwell> {
        let begin = Instant::now();
        let shared = self.channel.connection().await.map_err(cannot_connect)?;
        if let Ok(answer) = timeout(self.patience, self.ask(shared.clone())).await
            && !answer.as_ref().is_err_and(is_of_connection)
        {
            return judge(&answer);
        }
        // From here on no call has to wait for what is most likely gone.
        self.channel.doubt(begin);
        let fresh = self.channel.open().await.map_err(cannot_connect)?;
        let answer = self.ask(fresh.clone()).await;
        if answer.is_ok() && self.channel.rules().replace_silent {
            // The user service is there, so a connection without an answer is not.
            if shared.is_silent_since(begin) {
                shared.give_up();
            }
            self.channel.replace(fresh);
        }
        judge(&answer)
    }
}

impl UserServiceCheck {
    async fn ask(&self, connection: Connection) -> Result<ServingStatus, Status> {
        let request = Request::new(HealthCheckRequest {
            service: user_proto::SERVICE_NAME.to_owned(),
        });
        let answer = HealthClient::with_origin(connection, self.channel.origin())
            .check(request)
            .await?;
        Ok(answer.into_inner().status())
    }
}

fn judge(answer: &Result<ServingStatus, Status>) -> Result<(), Unwell> {
    match answer {
        Ok(ServingStatus::Serving) => Ok(()),
        Ok(_) => Err(Unwell("not serving")),
        Err(_) => Err(Unwell("cannot ask")),
    }
}

// By value, as it stands in the place of a closure.
#[allow(clippy::needless_pass_by_value)]
fn cannot_connect(_: Status) -> Unwell {
    Unwell("cannot connect")
}
