//! The limit of open file descriptors, and how many concurrent scenarios it allows.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors for everything except scenarios: backends, shared deployments, the runtime.
const RUN_DESCRIPTORS: u64 = 128;

/// Descriptors for a scenario with its own deployment: pipes, links, clients. A generous estimate.
const SCENARIO_DESCRIPTORS: u64 = 48;

/// Upper bound of the raised limit. Child processes inherit the limit, and some loop over all descriptors up to it
/// when they start.
const MAX_LIMIT: u64 = 65_536;

/// Raises the soft limit of open files to the hard limit.
pub fn raise_limit() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return;
    };
    let wanted = hard.min(MAX_LIMIT);
    if wanted > soft {
        // If this fails, fewer scenarios run concurrently.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard);
    }
}

/// How many concurrent scenarios the limit of open files allows; at least one.
pub fn max_scenarios() -> usize {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(1, |(soft, _)| max_scenarios_within(soft))
}

fn max_scenarios_within(limit: u64) -> usize {
    let scenarios = limit.saturating_sub(RUN_DESCRIPTORS) / SCENARIO_DESCRIPTORS;
    usize::try_from(scenarios).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_limit_allows_few_scenarios() {
        assert_eq!(max_scenarios_within(64), 1);
        assert_eq!(max_scenarios_within(256), 2);
        assert_eq!(max_scenarios_within(1024), 18);
    }

    #[test]
    fn the_raised_limit_allows_all_scenarios() {
        assert!(max_scenarios_within(MAX_LIMIT) > 1000);
    }
}
