//! StreamUsers.
//!
//! - [`opening`]: streams that are asked for
//! - [`changes`]: many changes, by many clients
//! - [`telling`]: what streams told of them, and how they ended
//! - [`flags`]: whom a flag lets in (CFG-10)

pub mod changes;
pub mod flags;
pub mod opening;
pub mod telling;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use conformance_engine::failure::{Failure, StepResult};
use tonic::Status;
use user_proto::v1::User;

use crate::checks::stream_history::{Key, key};
use crate::doubles::user_service::store::filter;
use crate::drivers::streams::UserStream;
use crate::properties::model::Term;
use crate::world::World;

/// What the streams' steps of one scenario remember.
#[derive(Debug, Default)]
pub struct Notes {
    /// Streams by their alias.
    streams: BTreeMap<String, Subscriber>,
    /// What the clients of [`changes`] wrote.
    written: Vec<Written>,
    /// What refused each stream of the newest action.
    refusals: Vec<Option<Status>>,
    /// Resident memory of the program when the newest stream that nobody reads was opened.
    memory: u64,
    /// What callers were answered before the instances were started again.
    before: Vec<bool>,
}

/// A change by one of many clients.
#[derive(Clone, Debug)]
struct Written {
    user: User,
    sent: Instant,
    answered: Instant,
}

/// A stream that was asked for.
#[derive(Debug)]
struct Subscriber {
    /// The stream, or what refused it.
    stream: Result<UserStream, Status>,
    terms: Vec<Term>,
    /// When its headers had come.
    opened: Instant,
    /// States that were acknowledged before it was open.
    earlier: BTreeSet<Key>,
}

impl Subscriber {
    fn wants(&self, user: &User) -> bool {
        self.terms.iter().all(|it| it.holds(user))
    }
}

impl Notes {
    fn stream(&self, alias: &str) -> StepResult<&Subscriber> {
        let missing = || Failure::broken(format!("the scenario has no stream {alias:?}"));
        self.streams.get(alias).ok_or_else(missing)
    }
}

impl World {
    /// Every acknowledged state, those of the clients of [`changes`] too.
    fn every_state(&self) -> Vec<User> {
        let written = self.streams.written.iter().map(|it| it.user.clone());
        self.acknowledged().into_iter().chain(written).collect()
    }

    /// The states that a stream must tell: those that it wants and that were acknowledged after it was
    /// open. When a client knows of an answer is not when it came, but what was sent afterwards was
    /// surely answered afterwards.
    fn due(&self, subscriber: &Subscriber, states: &[User]) -> BTreeSet<Key> {
        let written = self.streams.written.iter();
        let early = written.filter(|it| it.sent < subscriber.opened);
        let early: BTreeSet<Key> = early.map(|it| key(&it.user)).collect();
        let wanted = states.iter().filter(|it| subscriber.wants(it)).map(key);
        wanted
            .filter(|it| !subscriber.earlier.contains(it) && !early.contains(it))
            .collect()
    }
}

/// The terms of a feature's filter.
fn terms(text: &str) -> StepResult<Vec<Term>> {
    filter::parse(text).ok_or_else(|| Failure::broken(format!("{text:?} is no filter")))
}
