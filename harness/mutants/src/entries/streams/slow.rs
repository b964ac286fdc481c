//! STR-4: subscribers that do not read.

use std::time::Duration;

use crate::entries::parts;
use crate::entry::Entry;
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "stream-drops",
            "STR-4",
            "what a slow subscriber has no room for is left out",
            |_, it| {
                it.rules.stream.backlog_bytes = 1 << 20;
                it.rules.stream.ends_overrun = false;
            },
        ),
        parts(
            "stream-drops-late",
            "STR-4",
            "what is beyond 1,000 large changes is left out",
            |_, it| it.rules.stream.ends_overrun = false,
        ),
        parts(
            "stream-hoards",
            "STR-4",
            "a subscriber may leave any number of changes untaken",
            |_, it| it.rules.stream.backlog_bytes = u32::MAX >> 1,
        ),
        parts(
            "stream-in-batches",
            "STR-4",
            "changes are gathered for five seconds",
            |_, it| it.rules.stream.gather = Duration::from_secs(5),
        ),
        parts(
            "stream-slow-aborted",
            "STR-4",
            "a slow subscriber is ended with ABORTED",
            |_, it| {
                it.rules.stream.backlog_bytes = 1 << 20;
                wire::trailers(it, "/StreamUsers", |code, message| {
                    (code == 8).then(|| (10, message.to_owned()))
                });
            },
        ),
    ]
}
