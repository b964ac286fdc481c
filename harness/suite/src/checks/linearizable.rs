//! Whether the history of one record has an order that real time allows (USR-11).
//!
//! The search of Wing and Gong with Lowe's cache of visited states: take any call that began
//! before every other outstanding call ended, apply it to the record, go on; go back when an
//! response does not fit. A call without an response may have taken effect at any time after it began,
//! or never.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::time::Duration;

/// The fields of a record; `None` where there is no record.
pub type Record = Option<BTreeMap<&'static str, String>>;

/// What a client did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read the record.
    Read,
    /// Change these fields, leave the others.
    Update(BTreeMap<&'static str, String>),
    /// Remove the record.
    Delete,
}

/// The response of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// The record as it is after the call.
    Value(BTreeMap<&'static str, String>),
    /// The call succeeded and answers nothing.
    Done,
    /// There is no such record.
    NotFound,
    /// The call failed in a way that leaves open whether it took effect.
    Unknown,
}

/// One call of a history.
#[derive(Clone, Debug)]
pub struct Call {
    /// The number of the client.
    pub client: usize,
    /// The action.
    pub action: Action,
    /// The response.
    pub response: Response,
    /// When it was sent.
    pub began: Duration,
    /// When the response was there.
    pub ended: Duration,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.began.as_micros(), self.ended.as_micros());
        write!(
            f,
            "client {} {:?} -> {:?} ({from} to {to} us)",
            self.client, self.action, self.response
        )
    }
}

/// The verdict of the checker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is such an order.
    Linearizable,
    /// There is none; `explained` calls fit at most, these come next and none of them fits.
    Impossible {
        /// How many calls the longest order found so far explains.
        explained: usize,
        /// The calls that might come next, in words.
        stuck: Vec<String>,
    },
    /// The search was given up: too many calls or too many orders.
    Unknown(&'static str),
}

/// The most states that the search looks at.
const BUDGET: usize = 2_000_000;

/// Looks for an order of the calls that starts from `initial`.
pub fn check(initial: &Record, calls: &[Call]) -> Verdict {
    if calls.len() > 128 {
        return Verdict::Unknown("more than 128 calls");
    }
    let mut search = Search {
        calls,
        seen: HashSet::new(),
        best: (0, Vec::new()),
    };
    match search.explore(initial) {
        Some(true) => Verdict::Linearizable,
        Some(false) => Verdict::Impossible {
            explained: search.best.0,
            stuck: search.best.1,
        },
        None => Verdict::Unknown("more orders than the search looks at"),
    }
}

struct Search<'a> {
    calls: &'a [Call],
    seen: HashSet<(u128, Record)>,
    best: (usize, Vec<String>),
}

impl Search<'_> {
    /// `Some(true)` once every answered call is placed; `None` when the budget is used up.
    fn explore(&mut self, initial: &Record) -> Option<bool> {
        let mut open = vec![(0_u128, initial.clone())];
        while let Some((placed, state)) = open.pop() {
            if !self.seen.insert((placed, state.clone())) {
                continue;
            }
            if self.seen.len() > BUDGET {
                return None;
            }
            if self.complete(placed) {
                return Some(true);
            }
            let next = self.candidates(placed);
            let before = open.len();
            for index in &next {
                if let Some(after) = apply(&state, &self.calls[*index]) {
                    open.push((placed | 1 << index, after));
                }
            }
            if open.len() == before {
                self.remember(placed, &next, &state);
            }
        }
        Some(false)
    }

    fn complete(&self, placed: u128) -> bool {
        self.calls
            .iter()
            .enumerate()
            .all(|(index, call)| placed >> index & 1 == 1 || call.response == Response::Unknown)
    }

    /// The calls that began before any outstanding call ended.
    fn candidates(&self, placed: u128) -> Vec<usize> {
        let outstanding = || (0..self.calls.len()).filter(move |it| placed >> it & 1 == 0);
        let first_end = outstanding()
            .filter(|it| self.calls[*it].response != Response::Unknown)
            .map(|it| self.calls[it].ended)
            .min();
        outstanding()
            .filter(|it| first_end.is_none_or(|end| self.calls[*it].began <= end))
            .collect()
    }

    fn remember(&mut self, placed: u128, next: &[usize], state: &Record) {
        let explained = placed.count_ones() as usize;
        if explained >= self.best.0 {
            let stuck = next.iter().map(|it| self.calls[*it].to_string());
            let mut stuck: Vec<_> = stuck.collect();
            stuck.insert(0, format!("the record then is {state:?}"));
            self.best = (explained, stuck);
        }
    }
}

/// The field that the server sets in every update: no call says what it becomes, only that it moves forward.
/// A state without it is one whose last update was never answered.
pub const UPDATED_AT: &str = "updated_at";

/// The record after the call, if the call's answer fits.
fn apply(state: &Record, call: &Call) -> Option<Record> {
    let after = match (&call.action, state) {
        (Action::Read, _) => state.clone(),
        (Action::Update(_), None) | (Action::Delete, _) => None,
        (Action::Update(change), Some(fields)) => {
            let mut changed = fields.clone();
            changed.extend(change.clone());
            let moment = moved(fields, &call.response, changed != *fields)?;
            changed.remove(UPDATED_AT);
            changed.extend(moment.map(|it| (UPDATED_AT, it)));
            Some(changed)
        }
    };
    match &call.response {
        Response::Unknown => Some(after),
        Response::NotFound => state.is_none().then_some(after),
        Response::Done => (state.is_some() && call.action == Action::Delete).then_some(after),
        Response::Value(seen) => agrees(after?, seen).then(|| Some(seen.clone())),
    }
}

/// The moment of an update by its response: later than the one before, or any where it changes nothing (USR-10).
#[expect(
    clippy::option_option,
    reason = "whether it moved as it may, and where to if that was seen"
)]
fn moved(
    before: &BTreeMap<&'static str, String>,
    response: &Response,
    changes: bool,
) -> Option<Option<String>> {
    let Response::Value(seen) = response else {
        return Some(None);
    };
    let (before, after) = (before.get(UPDATED_AT), seen.get(UPDATED_AT));
    let forward = !changes || before.is_none() || after.is_none() || before < after;
    forward.then(|| after.cloned())
}

/// Whether a record is the one that was seen; what is not known of it may be anything.
fn agrees(known: BTreeMap<&'static str, String>, seen: &BTreeMap<&'static str, String>) -> bool {
    let mut known = known;
    if !known.contains_key(UPDATED_AT) {
        let moment = seen.get(UPDATED_AT).cloned();
        known.extend(moment.map(|it| (UPDATED_AT, it)));
    }
    known == *seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, status: &str) -> BTreeMap<&'static str, String> {
        BTreeMap::from([("name", name.to_owned()), ("status", status.to_owned())])
    }

    /// The same with the moment of its last update.
    fn at(name: &str, moment: &str) -> BTreeMap<&'static str, String> {
        let mut record = record(name, "1");
        record.insert(UPDATED_AT, moment.to_owned());
        record
    }

    #[test]
    fn the_moment_of_an_update_belongs_to_the_record() {
        let update = |moment| call(0, 10, set("name", "b"), Response::Value(at("b", moment)));
        let read = |moment| call(11, 20, Action::Read, Response::Value(at("b", moment)));
        let fits = |calls: &[Call]| check(&Some(at("a", "5")), calls) == Verdict::Linearizable;
        assert!(fits(&[update("6"), read("6")]));
        // It stands still, goes back, or is another on reading.
        assert!(!fits(&[update("5")]));
        assert!(!fits(&[update("4")]));
        assert!(!fits(&[update("6"), read("7")]));
        // Of an update that changes nothing, and of one without an answer, it may be any.
        let same = |moment| call(0, 10, set("name", "a"), Response::Value(at("a", moment)));
        assert!(fits(&[same("5")]) && fits(&[same("6")]));
        let lost = call(0, 10, set("name", "b"), Response::Unknown);
        assert!(fits(&[lost, read("9")]));
    }

    fn set(field: &'static str, value: &str) -> Action {
        Action::Update(BTreeMap::from([(field, value.to_owned())]))
    }

    fn call(began: u64, ended: u64, action: Action, response: Response) -> Call {
        Call {
            client: 0,
            action,
            response,
            began: Duration::from_micros(began),
            ended: Duration::from_micros(ended),
        }
    }

    fn judged(calls: &[Call]) -> Verdict {
        check(&Some(record("a", "on")), calls)
    }

    #[track_caller]
    fn fits(calls: &[Call]) {
        assert_eq!(judged(calls), Verdict::Linearizable);
    }

    #[track_caller]
    fn does_not_fit(calls: &[Call]) {
        assert!(
            matches!(judged(calls), Verdict::Impossible { .. }),
            "{:?}",
            judged(calls)
        );
    }

    #[test]
    fn a_read_after_an_acknowledged_update_sees_it() {
        let update = call(0, 10, set("name", "b"), Response::Value(record("b", "on")));
        fits(&[
            update.clone(),
            call(20, 30, Action::Read, Response::Value(record("b", "on"))),
        ]);
        does_not_fit(&[
            update,
            call(20, 30, Action::Read, Response::Value(record("a", "on"))),
        ]);
    }

    #[test]
    fn a_read_concurrent_with_an_update_may_see_either() {
        let update = call(0, 10, set("name", "b"), Response::Value(record("b", "on")));
        for name in ["a", "b"] {
            fits(&[
                update.clone(),
                call(5, 15, Action::Read, Response::Value(record(name, "on"))),
            ]);
        }
    }

    #[test]
    fn two_reads_never_go_back_in_time() {
        does_not_fit(&[
            call(0, 100, set("name", "b"), Response::Value(record("b", "on"))),
            call(10, 20, Action::Read, Response::Value(record("b", "on"))),
            call(30, 40, Action::Read, Response::Value(record("a", "on"))),
        ]);
    }

    #[test]
    fn an_update_that_undoes_another_field_is_a_lost_update() {
        does_not_fit(&[
            call(0, 10, set("name", "b"), Response::Value(record("b", "on"))),
            call(
                0,
                10,
                set("status", "off"),
                Response::Value(record("a", "off")),
            ),
            call(20, 30, Action::Read, Response::Value(record("a", "off"))),
        ]);
    }

    #[test]
    fn two_updates_of_two_fields_both_hold() {
        fits(&[
            call(0, 10, set("name", "b"), Response::Value(record("b", "off"))),
            call(
                0,
                10,
                set("status", "off"),
                Response::Value(record("a", "off")),
            ),
            call(20, 30, Action::Read, Response::Value(record("b", "off"))),
        ]);
    }

    #[test]
    fn only_one_of_two_deletes_succeeds() {
        does_not_fit(&[
            call(0, 10, Action::Delete, Response::Done),
            call(0, 10, Action::Delete, Response::Done),
        ]);
        fits(&[
            call(0, 10, Action::Delete, Response::Done),
            call(0, 10, Action::Delete, Response::NotFound),
        ]);
    }

    #[test]
    fn a_deleted_record_does_not_come_back() {
        does_not_fit(&[
            call(0, 10, Action::Delete, Response::Done),
            call(20, 30, Action::Read, Response::Value(record("a", "on"))),
        ]);
        does_not_fit(&[
            call(0, 10, Action::Delete, Response::Done),
            call(20, 30, set("name", "b"), Response::Value(record("b", "on"))),
        ]);
    }

    #[test]
    fn a_value_that_was_never_written_is_not_read() {
        does_not_fit(&[call(
            0,
            10,
            Action::Read,
            Response::Value(record("z", "on")),
        )]);
    }

    #[test]
    fn a_call_without_an_answer_may_have_happened_or_not() {
        let lost = call(0, 10, set("name", "b"), Response::Unknown);
        for name in ["a", "b"] {
            fits(&[
                lost.clone(),
                call(20, 30, Action::Read, Response::Value(record(name, "on"))),
            ]);
        }
        // But not first happen and then not have happened.
        does_not_fit(&[
            lost,
            call(20, 30, Action::Read, Response::Value(record("b", "on"))),
            call(40, 50, Action::Read, Response::Value(record("a", "on"))),
        ]);
    }

    #[test]
    fn too_long_a_history_is_not_judged() {
        let read = call(0, 10, Action::Read, Response::Value(record("a", "on")));
        assert!(matches!(judged(&vec![read; 129]), Verdict::Unknown(_)));
    }
}
