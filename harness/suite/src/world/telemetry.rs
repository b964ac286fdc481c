//! What the steps about logs of requests and about metrics have recorded in one scenario.

use std::collections::BTreeMap;
use std::time::Instant;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::network::link::Link;
use conformance_engine::observe::exposition::Exposition;
use tokio::task::JoinHandle;

use crate::checks::finished_request::FinishedRequest;
use crate::checks::http_answer::HttpAnswer;
use crate::drivers::promql::Scraped;
use crate::drivers::wire::{CompletedCall, Wire};

/// What the steps about logs of requests and about metrics have recorded.
#[derive(Default)]
pub struct TelemetryRecord {
    /// The requests of the newest action.
    pub finished: Vec<FinishedRequest>,
    /// The metrics of each instance before the newest action, at rest.
    pub before: BTreeMap<usize, Exposition>,
    /// The answer to `/metrics` that was read last, or why there is none.
    pub page: Option<Result<HttpAnswer, String>>,
    /// The number of series before the newest action.
    pub series: usize,
    /// The trace that the requests of the scenario belong to.
    pub trace: String,
    /// A stream of users on a connection of its own.
    pub stream: Option<ObservedStream>,
    /// What Prometheus scrapes of the program.
    pub scraped: Option<Scraped>,
}

/// A stream of users on a connection of its own, behind a link.
pub struct ObservedStream {
    /// Its connection; dropping it closes it.
    pub wire: Option<Wire>,
    /// The call; dropping it cancels the call.
    pub call: Option<JoinHandle<CompletedCall>>,
    /// The link of its connection.
    pub link: Link,
    /// Its request id.
    pub id: String,
    /// When it was opened.
    pub opened: Instant,
}

impl Drop for ObservedStream {
    fn drop(&mut self) {
        if let Some(call) = &self.call {
            call.abort();
        }
    }
}

impl TelemetryRecord {
    /// The metrics of an instance before the newest action.
    pub fn before(&self, instance: usize) -> StepResult<&Exposition> {
        let missing = || Failure::broken("the scenario has not read the metrics before");
        self.before.get(&instance).ok_or_else(missing)
    }

    /// What Prometheus scrapes of the program.
    pub fn scraped(&self) -> StepResult<&Scraped> {
        let missing = || Failure::broken("no program of the scenario is scraped");
        self.scraped.as_ref().ok_or_else(missing)
    }

    /// The stream of the scenario.
    pub fn stream(&mut self) -> StepResult<&mut ObservedStream> {
        let missing = || Failure::broken("the scenario has opened no stream");
        self.stream.as_mut().ok_or_else(missing)
    }
}
