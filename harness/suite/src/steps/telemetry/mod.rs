//! The log lines of requests (LOG-3, LOG-4) and metrics (MET-1 to MET-6, STR-6).
//!
//! - [`log_lines`]: the lines of requests
//! - [`pages`]: pages of metrics and their families
//! - [`counted`]: what counters and histograms hold
//! - [`calls`]: calls of a user service whose records are judged
//! - [`requests`]: requests over HTTP whose records are judged
//! - [`given_up`]: requests that their clients give up, or that pass their deadline
//! - [`observed_stream`]: a stream whose client goes away
//! - [`traces`]: ids that both programs share
//! - [`unknown`]: requests that share a label
//! - [`prometheus`]: what Prometheus scrapes and computes
//! - [`gauges`]: gauges and `users_created_total`

pub mod calls;
pub mod counted;
pub mod gauges;
pub mod given_up;
pub mod log_lines;
pub mod observed_stream;
pub mod pages;
pub mod prometheus;
pub mod requests;
pub mod traces;
pub mod unknown;

use std::time::Duration;

use conformance_engine::failure::StepResult;
use conformance_engine::observe::exposition::Exposition;

use crate::checks::finished_request::{FinishedRequest, HttpPart, RequestEnd, Route};
use crate::checks::metrics;
use crate::contract::components::UsersApi;
use crate::drivers;
use crate::environment::deployment::Slot;
use crate::world::World;
use crate::world::gateway::SentRequest;

/// For this time after something was recorded, nothing else may be.
const QUIET_WINDOW: Duration = Duration::from_millis(200);

/// How long a record may take after its request has ended.
const RECORD_LIMIT: Duration = Duration::from_secs(1);

/// The metrics of an instance.
async fn page_of(slot: &Slot) -> Result<Exposition, String> {
    let port = slot.port("METRICS_PORT").map_err(|it| it.to_string())?;
    metrics::read(&drivers::metrics::read(port).await?)
}

impl World {
    /// Records a request over HTTP, sent to the first instance.
    fn http_finished(&mut self, sent: &SentRequest, end: RequestEnd, took: Duration) {
        let path = sent.path.split('?').next().unwrap_or_default();
        let api = self.component.users_api == Some(UsersApi::Http);
        let request = FinishedRequest {
            id: sent.id.clone(),
            method: sent.method.clone(),
            http: Some(HttpPart {
                path: path.to_owned(),
                route: Route::of(&sent.method, path, api),
            }),
            end,
            took,
            held: Duration::ZERO,
        };
        self.telemetry.finished.push(request);
    }

    /// Records a call of the user service.
    fn call_finished(&mut self, id: Option<String>, method: &str, end: RequestEnd, took: Duration) {
        let request = FinishedRequest {
            id,
            method: format!("{}/{method}", super::grpc::calls::SERVICE),
            http: None,
            end,
            took,
            held: Duration::ZERO,
        };
        self.telemetry.finished.push(request);
    }

    /// The metrics of an instance now.
    async fn metrics_of(&mut self, instance: usize) -> StepResult<Result<Exposition, String>> {
        Ok(page_of(self.deployment().await?.slot(instance)?).await)
    }
}
