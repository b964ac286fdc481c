//! GRP-5: silent clients, and clients that ping too often.

use std::time::Duration;

use super::HOUR;
use super::connections::age_of;
use crate::entries::parts;
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "keepalive-never",
            "GRP-5",
            "silent clients are never asked",
            |_, it| it.connections.keepalive_time = HOUR,
        ),
        parts(
            "keepalive-patient",
            "GRP-5",
            "silent clients are waited for",
            |_, it| it.connections.keepalive_timeout = HOUR,
        ),
        parts(
            "keepalive-impatient",
            "GRP-5",
            "no answer comes in time",
            |_, it| {
                it.connections.max_idle = it.connections.keepalive_time * 2;
                it.rules.connections.idle = |_, time| age_of(time);
                it.connections.max_age_grace = Duration::ZERO;
            },
        ),
        parts(
            "pings-not-counted",
            "GRP-5",
            "clients ping as often as they like",
            |_, it| it.rules.connections.pings.too_soon = |_, _| false,
        ),
        parts(
            "pings-all-counted",
            "GRP-5",
            "every ping comes too soon",
            |_, it| it.rules.connections.pings.too_soon = |_, _| true,
        ),
        parts(
            "pings-minimum-ignored",
            "GRP-5",
            "clients may ping every 5 minutes, whatever is set",
            |_, it| it.connections.keepalive_min_time = Duration::from_mins(5),
        ),
        parts(
            "pings-not-forgiven",
            "GRP-5",
            "no answer starts the count anew",
            |_, it| it.rules.connections.pings.forgives = |_| false,
        ),
    ]
}
