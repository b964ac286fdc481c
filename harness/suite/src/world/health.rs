//! What the steps about health have recorded in one scenario.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::checks::health_answer;
use crate::drivers::Status;
use crate::drivers::health_service::Watch;
use crate::drivers::probes::ProbeAnswer;

/// What the steps about health have recorded.
#[derive(Debug, Default)]
pub struct HealthRecord {
    /// Every answer to `/health`.
    pub samples: Arc<Mutex<Vec<HealthSample>>>,
    /// The answers of the newest action, of any probe.
    pub answers: Vec<ProbeAnswer>,
    /// The answer to Check of the gRPC health service.
    pub check: Option<Result<&'static str, Status>>,
    /// Open watches, by the name that they watch.
    pub watches: Vec<(String, Watch)>,
}

/// One answer to `/health`.
#[derive(Clone, Debug)]
pub struct HealthSample {
    pub sent: Instant,
    pub received: Instant,
    /// The wall clock, to compare with the answer's timestamp.
    pub at: DateTime<Utc>,
    pub answer: ProbeAnswer,
}

impl HealthSample {
    pub fn timestamp(&self) -> Option<DateTime<Utc>> {
        health_answer::parse(&self.answer.body)
            .ok()
            .map(|answer| answer.timestamp)
    }

    /// How old its checks were when it was received; `None` if it has no timestamp.
    pub fn age(&self) -> Option<Duration> {
        let age = self.at - self.timestamp()?;
        Some(age.to_std().unwrap_or_default())
    }
}
