//! File descriptors: how many this process may have, and how many scenarios that is enough for.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What a run needs besides its scenarios: backends, the shared deployments, the runtime.
const BASE: u64 = 128;

/// What a scenario with a deployment of its own needs at most, as a rule: pipes, links, clients.
const SCENARIO: u64 = 48;

/// The most that is asked for. Programs inherit the limit, and some go through all numbers up to it at their start.
const MOST: u64 = 65_536;

/// Raises the soft limit as far as the hard one allows.
pub fn raise() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return;
    };
    let wanted = hard.min(MOST);
    if wanted > soft {
        // Without it, fewer scenarios run at once.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard);
    }
}

/// How many scenarios at once the limit is enough for; at least one.
pub fn scenarios() -> usize {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(1, |(soft, _)| scenarios_within(soft))
}

fn scenarios_within(limit: u64) -> usize {
    let scenarios = limit.saturating_sub(BASE) / SCENARIO;
    usize::try_from(scenarios).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_limit_is_enough_for_few_scenarios() {
        assert_eq!(scenarios_within(64), 1);
        assert_eq!(scenarios_within(256), 2);
        assert_eq!(scenarios_within(1024), 18);
    }

    #[test]
    fn the_usual_limit_after_raising_is_enough_for_all() {
        assert!(scenarios_within(MOST) > 1000);
    }
}
