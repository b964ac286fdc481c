//! Whether a stream delivered changes to its subscriber as STR-1 to STR-3 say.
//!
//! Every acknowledged change of a user has an `updated_at` of its own, in commit order (USR-10).

use std::collections::{BTreeMap, BTreeSet};

use user_proto::v1::User;

/// A state of a user, by id and `updated_at`.
pub type StateKey = (String, i64, i32);

/// The key of a state of a user.
pub fn key(user: &User) -> StateKey {
    let time = user.updated_at.unwrap_or_default();
    (user.id.clone(), time.seconds, time.nanos)
}

/// Which states a subscriber may and must receive.
#[derive(Debug, Default)]
pub struct Expectation<'a> {
    /// Every acknowledged state, also before the subscription and to other clients.
    pub acknowledged: Vec<&'a User>,
    /// The states that must arrive: acknowledged after the subscription, and matching its filter.
    pub due: BTreeSet<StateKey>,
    /// Whether the stream has ended with an error: then the last states of each user may be missing.
    pub has_ended: bool,
}

/// All faults of the arrivals; `wants` is the filter of the subscription.
pub fn faults<'a>(
    expected: &Expectation<'_>,
    arrivals: impl IntoIterator<Item = &'a User>,
    wants: impl Fn(&User) -> bool,
) -> Vec<String> {
    let known: BTreeMap<StateKey, &User> = expected
        .acknowledged
        .iter()
        .map(|it| (key(it), *it))
        .collect();
    let mut last: BTreeMap<String, StateKey> = BTreeMap::new();
    let mut received = BTreeSet::new();
    let mut faults = Vec::new();
    for user in arrivals {
        let key = key(user);
        let fault = if !wants(user) {
            Some("does not match the filter")
        } else if !received.insert(key.clone()) {
            Some("was sent twice")
        } else if last.get(&user.id).is_some_and(|it| *it > key) {
            Some("was sent after a later state of that user")
        } else {
            match known.get(&key) {
                Some(state) if *state == user => None,
                Some(_) => Some("is not the state that was acknowledged with this updated_at"),
                None => Some("was never acknowledged"),
            }
        };
        faults.extend(fault.map(|it| format!("{} {it}", brief(user))));
        let newest = last.entry(user.id.clone()).or_insert_with(|| key.clone());
        *newest = key.max(newest.clone());
    }
    let may_lack =
        |key: &StateKey| expected.has_ended && last.get(&key.0).is_none_or(|it| *it < *key);
    for key in expected
        .due
        .difference(&received)
        .filter(|it| !may_lack(it))
    {
        let state = known.get(key).map_or_else(String::new, |it| brief(it));
        faults.push(format!("{state} was never sent"));
    }
    faults
}

/// A state, for messages.
fn brief(user: &User) -> String {
    let time = user.updated_at.unwrap_or_default();
    format!(
        "the state of {} ({:?}) updated at {}.{:09}",
        user.id, user.name, time.seconds, time.nanos
    )
}

#[cfg(test)]
mod tests {
    use prost_types::Timestamp;

    use super::*;

    fn state(id: &str, at: i64) -> User {
        User {
            id: id.to_owned(),
            name: format!("{id}{at}"),
            updated_at: Some(Timestamp {
                seconds: at,
                nanos: 0,
            }),
            ..User::default()
        }
    }

    /// Ada changed four times, the first time before the subscription; Bob once.
    #[track_caller]
    fn check(arrivals: &[(&str, i64)], has_ended: bool, expected: &[&str]) {
        let acknowledged: Vec<User> = [("a", 1), ("a", 2), ("a", 3), ("a", 4), ("b", 2)]
            .map(|(id, at)| state(id, at))
            .to_vec();
        let expectation = Expectation {
            acknowledged: acknowledged.iter().collect(),
            due: acknowledged[1..].iter().map(key).collect(),
            has_ended,
        };
        let arrivals: Vec<User> = arrivals.iter().map(|(id, at)| state(id, *at)).collect();
        let found = faults(&expectation, &arrivals, |it| it.id != "z");
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (fault, part) in found.iter().zip(expected) {
            assert!(fault.contains(part), "{fault:?} lacks {part:?}");
        }
    }

    #[test]
    fn complete_histories_are_right() {
        check(&[("a", 2), ("b", 2), ("a", 3), ("a", 4)], false, &[]);
        // Earlier ones may come too.
        check(
            &[("a", 1), ("a", 2), ("a", 3), ("a", 4), ("b", 2)],
            false,
            &[],
        );
    }

    #[test]
    fn each_kind_of_bad_history_is_reported() {
        let all = [("a", 2), ("a", 3), ("a", 4), ("b", 2)];
        check(
            &all[1..],
            false,
            &["a2\") updated at 2.000000000 was never"],
        );
        check(&[&all[..], &[("b", 2)]].concat(), false, &["twice"]);
        check(
            &[("a", 2), ("a", 4), ("a", 3), ("b", 2)],
            false,
            &["after a later"],
        );
        check(
            &[&all[..], &[("a", 7)]].concat(),
            false,
            &["never acknowledged"],
        );
        check(&[&all[..], &[("z", 1)]].concat(), false, &["filter"]);
    }

    #[test]
    fn a_state_with_other_content_is_not_the_acknowledged_one() {
        let acknowledged = state("a", 1);
        let expected = Expectation {
            acknowledged: vec![&acknowledged],
            due: BTreeSet::from([key(&acknowledged)]),
            ..Expectation::default()
        };
        let stale = User {
            name: "old".to_owned(),
            ..acknowledged.clone()
        };
        assert_eq!(faults(&expected, [&stale], |_| true).len(), 1);
    }

    #[test]
    fn a_stream_that_ended_may_lack_the_last_but_none_between() {
        check(&[("a", 2), ("a", 3)], true, &[]);
        check(&[("a", 2), ("a", 4)], true, &["a3"]);
        check(&[], true, &[]);
    }
}
