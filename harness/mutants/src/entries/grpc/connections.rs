//! GRP-4: how long connections live.

use std::time::Duration;

use futures::future::BoxFuture;
use user_service::connections::calls::Calls;
use user_service::connections::rules::ConnectionRules;

use super::HOUR;
use crate::entries::parts;
use crate::entry::Entry;

/// A time that passes whatever runs.
pub fn age_of(time: Duration) -> BoxFuture<'static, ()> {
    (ConnectionRules::default().old)(Calls::new(), time)
}

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "age-ignored",
            "GRP-4",
            "connections grow old for ever",
            |_, it| it.connections.max_age = HOUR,
        ),
        parts(
            "age-halved",
            "GRP-4",
            "connections are closed at half their age",
            |_, it| it.connections.max_age /= 2,
        ),
        parts(
            "age-waits-for-calls",
            "GRP-4",
            "a connection with a running call does not grow old",
            |_, it| {
                it.rules.connections.old = |calls, age| {
                    Box::pin(async move {
                        age_of(age).await;
                        calls.none_for(Duration::ZERO).await;
                    })
                };
            },
        ),
        parts(
            "age-without-grace",
            "GRP-4",
            "running calls end with the age of their connection",
            |_, it| it.connections.max_age_grace = Duration::ZERO,
        ),
        parts(
            "age-grace-of-its-own",
            "GRP-4",
            "the grace is 5 s, whatever is set",
            |_, it| it.connections.max_age_grace = Duration::from_secs(5),
        ),
        parts(
            "age-grace-without-end",
            "GRP-4",
            "calls run on for as long as they like",
            |_, it| it.connections.max_age_grace = HOUR,
        ),
        parts(
            "goaway-not-sent",
            "GRP-4",
            "connections end without a GOAWAY",
            |_, it| it.rules.connections.close = |_| {},
        ),
        parts(
            "idle-ignored",
            "GRP-4",
            "connections may be idle for ever",
            |_, it| it.connections.max_idle = HOUR,
        ),
        parts(
            "idle-halved",
            "GRP-4",
            "connections are closed after half of the idle time",
            |_, it| it.connections.max_idle /= 2,
        ),
        parts(
            "idle-from-opening",
            "GRP-4",
            "the idle time counts from the connection's opening",
            |_, it| {
                it.rules.connections.idle = |calls, time| {
                    Box::pin(async move {
                        age_of(time).await;
                        calls.none_for(Duration::ZERO).await;
                    })
                };
            },
        ),
        parts(
            "idle-while-calls-run",
            "GRP-4",
            "a call that runs does not keep its connection from being idle",
            |_, it| {
                it.rules.connections.idle = |_, time| age_of(time);
            },
        ),
    ]
}
