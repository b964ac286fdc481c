//! HLT-4, HLT-5: the time that checks take, and how long their answers are kept.

use std::time::Duration;

use super::health;
use crate::entries::common;
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![
        common(
            "checks-one-by-one",
            "HLT-4",
            "checks take one time-out each",
            |it| {
                it.health.check_timeout = |it| it * 2;
            },
        ),
        common(
            "checks-without-limit",
            "HLT-4",
            "checks are not bounded",
            |it| {
                it.health.check_timeout = |_| Duration::from_mins(10);
            },
        ),
        common(
            "checks-fixed-limit",
            "HLT-4",
            "checks are bounded by 1 s whatever the setting",
            |it| {
                it.health.check_timeout = |_| Duration::from_secs(1);
            },
        ),
        common(
            "checks-limit-of-2",
            "HLT-4",
            "checks are bounded by 2 s whatever the setting",
            |it| {
                it.health.check_timeout = |_| Duration::from_secs(2);
            },
        ),
        common(
            "checks-limit-of-5",
            "HLT-4",
            "checks are bounded by 5 s whatever the setting",
            |it| {
                it.health.check_timeout = |_| Duration::from_secs(5);
            },
        ),
        common("cache-none", "HLT-5", "nothing is cached", |it| {
            it.health.pause = |_| Duration::from_millis(50);
        }),
        common(
            "cache-tenfold",
            "HLT-5",
            "answers are kept ten times as long",
            |it| {
                it.health.pause = |it| it * 10;
            },
        ),
        health(
            "cache-timestamp",
            "HLT-5",
            "the timestamp is that of the answer",
            |probe| {
                let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
                probe.body["timestamp"] = now.into();
            },
        ),
    ]
}
