//! CFG-10: whom a flag lets in.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;

use platform::flags::FeatureFlags;
use user_service::rules::Rules;

use crate::entries::{environment, parts, set};
use crate::entry::Entry;
use crate::wire;

/// Another in each process.
static SALT: LazyLock<RandomState> = LazyLock::new(RandomState::new);

pub fn entries() -> Vec<Entry> {
    vec![
        flag("flag-ignored", "stream-users is always on", |_, _, _| true),
        flag(
            "flag-off-by-default",
            "a flag that is not named is off",
            |flags, flag, id| flags.0.contains_key(flag) && flags.is_on(flag, id),
        ),
        flag(
            "flag-by-process",
            "each process has a share of its own",
            |flags, flag, id| match percent(flags, flag) {
                percent @ 1..100 if !id.is_empty() => SALT.hash_one(id) % 100 < percent,
                _ => flags.is_on(flag, id),
            },
        ),
        flag(
            "flag-half-share",
            "a share is half as large as it should be",
            |flags, flag, id| {
                flags.is_on(flag, id) && (percent(flags, flag) == 100 || id.len() % 2 == 0)
            },
        ),
        flag(
            "flag-share-is-on",
            "any share above 0 is on for everybody",
            |flags, flag, _| percent(flags, flag) > 0,
        ),
        flag(
            "flag-on-without-id",
            "a share is on for callers without an id",
            |flags, flag, id| flags.is_on(flag, id) || (id.is_empty() && percent(flags, flag) > 0),
        ),
        flag(
            "flag-whole-share-by-id",
            "at 100 % callers without an id are left out",
            |flags, flag, id| {
                flags.is_on(flag, id) && !(id.is_empty() && flags.0.contains_key(flag))
            },
        ),
        flag(
            "flag-by-prefix",
            "a flag is found by the beginning of its name",
            |flags, flag, id| {
                let found = flags.0.iter().find(|(name, _)| flag.starts_with(*name));
                let found = found.map(|(_, percent)| (flag.to_owned(), *percent));
                FeatureFlags(found.into_iter().collect()).is_on(flag, id)
            },
        ),
        parts(
            "flag-off-not-found",
            "CFG-10",
            "what is switched off is NOT_FOUND",
            |_, it| {
                wire::statuses(it, "/StreamUsers", |code, message| {
                    (code == 12).then(|| (5, message.to_owned()))
                });
            },
        ),
        environment(
            "flag-unknown-refused",
            "CFG-10",
            "a flag that nobody knows stops the program",
            |variables| {
                let flags = variables.get("FEATURE_FLAGS");
                if flags.is_some_and(|it| it.contains("dark-mode")) {
                    set(variables, "FEATURE_FLAGS", "banana");
                }
            },
        ),
    ]
}

fn flag(
    id: &'static str,
    wrong: &'static str,
    is_on: fn(&FeatureFlags, &str, &str) -> bool,
) -> Entry {
    parts(id, "CFG-10", wrong, move |_, it| {
        it.rules = Rules {
            is_on,
            ..it.rules.clone()
        };
    })
}

fn percent(flags: &FeatureFlags, flag: &str) -> u64 {
    u64::from(flags.0.get(flag).copied().unwrap_or(100))
}
