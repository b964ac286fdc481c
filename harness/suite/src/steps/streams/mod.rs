//! StreamUsers.
//!
//! - [`delivery`]: delivery of changes, and ends of streams
//! - [`subscriptions`]: requests for streams
//! - [`changes`]: many changes, by many clients
//! - [`flags`]: access by a feature flag (CFG-10)

pub mod changes;
pub mod delivery;
pub mod flags;
pub mod subscriptions;

use std::collections::BTreeSet;

use conformance_engine::failure::{Failure, StepResult};
use user_proto::v1::User;

use crate::checks::stream_history::{StateKey, key};
use crate::doubles::user_service::store::filter;
use crate::model::FilterTerm;
use crate::world::World;
use crate::world::streams::Subscriber;

impl World {
    /// Every acknowledged state, those of the clients of [`changes`] too.
    fn every_state(&self) -> Vec<User> {
        let written = self.streams.written.iter().map(|it| it.user.clone());
        self.acknowledged().into_iter().chain(written).collect()
    }

    /// The states that a stream must deliver: those that match its filter and were acknowledged after it was open. The
    /// time of an answer is not known exactly, but a request that was sent afterwards was answered afterwards.
    fn due(&self, subscriber: &Subscriber, states: &[User]) -> BTreeSet<StateKey> {
        let written = self.streams.written.iter();
        let early = written.filter(|it| it.sent < subscriber.opened);
        let early: BTreeSet<StateKey> = early.map(|it| key(&it.user)).collect();
        let wanted = states.iter().filter(|it| subscriber.wants(it)).map(key);
        wanted
            .filter(|state| !subscriber.earlier.contains(state) && !early.contains(state))
            .collect()
    }
}

/// The terms of a feature's filter.
fn terms(text: &str) -> StepResult<Vec<FilterTerm>> {
    filter::parse(text).ok_or_else(|| Failure::broken(format!("{text:?} is not a filter")))
}
