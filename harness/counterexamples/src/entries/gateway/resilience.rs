//! RES: time-outs, retries, the breaker, connections.

use super::rules;
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![rules(
        "breaker-lets-all-trials-through",
        "RES-4",
        "when its time is up every waiting call goes through",
        |it| it.breaker.trial_calls = u32::MAX,
    )]
}
