//! What the steps about streams have recorded in one scenario.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use conformance_engine::failure::{Failure, StepResult};
use user_proto::v1::User;

use crate::checks::stream_history::StateKey;
use crate::drivers::Status;
use crate::drivers::streams::UserStream;
use crate::model::FilterTerm;

/// What the steps about streams have recorded.
#[derive(Debug, Default)]
pub struct StreamsRecord {
    /// Streams by their alias.
    pub streams: BTreeMap<String, Subscriber>,
    /// What the concurrent clients wrote.
    pub written: Vec<WrittenState>,
    /// The status that refused each stream of the newest action.
    pub refusals: Vec<Option<Status>>,
    /// Resident memory of the program after a load without a slow consumer.
    pub memory: u64,
    /// The answers to callers before the restart of the instances.
    pub before: Vec<bool>,
}

/// A change by one of many clients.
#[derive(Clone, Debug)]
pub struct WrittenState {
    pub user: User,
    pub sent: Instant,
    pub answered: Instant,
}

/// A requested stream.
#[derive(Debug)]
pub struct Subscriber {
    /// The stream, or the status that refused it.
    pub stream: Result<UserStream, Status>,
    pub terms: Vec<FilterTerm>,
    /// When its headers had arrived.
    pub opened: Instant,
    /// States that were acknowledged before it was open.
    pub earlier: BTreeSet<StateKey>,
}

impl Subscriber {
    pub fn wants(&self, user: &User) -> bool {
        self.terms.iter().all(|it| it.holds(user))
    }
}

impl StreamsRecord {
    pub fn stream(&self, alias: &str) -> StepResult<&Subscriber> {
        let missing = || Failure::broken(format!("the scenario has no stream {alias:?}"));
        self.streams.get(alias).ok_or_else(missing)
    }
}
