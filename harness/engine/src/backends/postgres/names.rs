//! The names of databases hold when and by which run they were made
//! (`conformance_<time>_<run>_<number>`), so that a server outside of the suite is cleaned: the
//! end of a run drops its own, the next run those of one that was killed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How the names of a run's databases begin.
pub(super) fn prefix(begun: SystemTime, run: &str) -> String {
    let seconds = begun
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let run: String = run.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("conformance_{seconds:x}_{run}_")
}

/// Older than this, a database belongs to no run that still goes on.
const STALE: Duration = Duration::from_hours(1);

/// Whether a name is of a run that ended long ago.
pub(super) fn is_stale(name: &str, now: SystemTime) -> bool {
    let parts: Vec<_> = name.split('_').collect();
    let ["conformance", seconds, run, number] = parts.as_slice() else {
        return false;
    };
    let ours = !run.is_empty() && number.parse::<u64>().is_ok();
    let made = u64::from_str_radix(seconds, 16).ok();
    let made = made.and_then(|it| UNIX_EPOCH.checked_add(Duration::from_secs(it)));
    let age = made.and_then(|it| now.duration_since(it).ok());
    ours && age.is_some_and(|it| it > STALE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_databases_of_runs_that_ended_long_ago_are_swept() {
        let now = SystemTime::now();
        let old = now.checked_sub(STALE + Duration::from_secs(5)).unwrap();
        assert!(is_stale(&format!("{}7", prefix(old, "00ff")), now));
        assert!(!is_stale(&format!("{}7", prefix(now, "00ff")), now));
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
