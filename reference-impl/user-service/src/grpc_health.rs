//! The calls of `grpc.health.v1`, answered from the program's readiness (GRP-1).

use futures::stream::{self, BoxStream, StreamExt as _};
use platform::health::Readiness;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::status;

/// The service names with a status: the program as a whole, and its service.
const KNOWN_SERVICES: [&str; 2] = ["", user_proto::SERVICE_NAME];

/// The health service of a program with this readiness.
pub fn server(readiness: Readiness) -> HealthServer<HealthCalls> {
    HealthServer::new(HealthCalls(readiness))
}

/// Answers health calls.
pub struct HealthCalls(Readiness);

#[tonic::async_trait]
impl Health for HealthCalls {
    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        require_known(&request.get_ref().service)?;
        Ok(Response::new(answer(serving(&self.0))))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        require_known(&request.get_ref().service)?;
        let watch = stream::unfold((self.0.clone(), None), async |(mut readiness, last)| {
            next_status(&mut readiness, last)
                .await
                .map(|status| (status, (readiness, Some(status))))
        });
        let answers = watch.map(|status| Ok(answer(status)));
        Ok(Response::new(answers.boxed()))
    }
}

/// The next status other than `last`. At shutdown NOT_SERVING is the last one.
async fn next_status(
    readiness: &mut Readiness,
    last: Option<ServingStatus>,
) -> Option<ServingStatus> {
    loop {
        // Read first, so that a stop after it is seen in the next round.
        let is_last = readiness.is_stopping();
        let status = serving(readiness);
        if last != Some(status) {
            return Some(status);
        }
        if is_last {
            return None;
        }
        readiness.changed().await;
    }
}

fn serving(readiness: &Readiness) -> ServingStatus {
    if readiness.is_ready() {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    }
}

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

fn require_known(name: &str) -> Result<(), Status> {
    KNOWN_SERVICES
        .contains(&name)
        .then_some(())
        .ok_or_else(status::unknown_service)
}
