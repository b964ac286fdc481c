//! Names of databases, `conformance_<time>_<run>_<number>`. They contain run and start time, so that on an
//! external server a run drops its databases at its end, and a later run those of a run that was killed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The prefix of the names of a run's databases.
pub(super) fn name_prefix(started: SystemTime, run: &str) -> String {
    let seconds = started
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let run: String = run.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("conformance_{seconds:x}_{run}_")
}

/// A database that is older than this belongs to a run that has ended.
const STALE_AFTER: Duration = Duration::from_hours(1);

/// Whether a database's name is that of a run that ended long ago.
pub(super) fn is_stale(name: &str, now: SystemTime) -> bool {
    let parts: Vec<_> = name.split('_').collect();
    let ["conformance", seconds, run, number] = parts.as_slice() else {
        return false;
    };
    let is_valid = !run.is_empty() && number.parse::<u64>().is_ok();
    let created = u64::from_str_radix(seconds, 16).ok();
    let created = created.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    let age = created.and_then(|created| now.duration_since(created).ok());
    is_valid && age.is_some_and(|age| age > STALE_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_runs_that_ended_long_ago_are_stale() {
        let now = SystemTime::now();
        let old = now
            .checked_sub(STALE_AFTER + Duration::from_secs(5))
            .unwrap();
        assert!(is_stale(&format!("{}7", name_prefix(old, "00ff")), now));
        assert!(!is_stale(&format!("{}7", name_prefix(now, "00ff")), now));
        for foreign in [
            "conformance",
            "conformance_production",
            "conformance_1_x_y",
            "postgres",
        ] {
            assert!(!is_stale(foreign, now), "{foreign}");
        }
    }
}
