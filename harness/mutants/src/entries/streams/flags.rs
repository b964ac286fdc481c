//! CFG-10: the callers that a flag lets in.

use crate::entries::{environment, parts, set};
use crate::entry::Entry;
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "flag-off-not-found",
            "CFG-10",
            "what is switched off is NOT_FOUND",
            |_, dependencies| {
                wire::statuses(dependencies, "/StreamUsers", |code, message| {
                    (code == 12).then(|| (5, message.to_owned()))
                });
            },
        ),
        environment(
            "flag-unknown-refused",
            "CFG-10",
            "an unknown flag stops the program",
            |variables| {
                let flags = variables.get("FEATURE_FLAGS");
                if flags.is_some_and(|it| it.contains("dark-mode")) {
                    set(variables, "FEATURE_FLAGS", "banana");
                }
            },
        ),
    ]
}
