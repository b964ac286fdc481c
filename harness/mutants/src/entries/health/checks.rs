//! HLT-4, HLT-5: the time that checks take, and how long their answers are kept.

use super::health;
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![health(
        "cache-timestamp",
        "HLT-5",
        "the timestamp is that of the answer",
        |probe| {
            let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
            probe.body["timestamp"] = now.into();
        },
    )]
}
