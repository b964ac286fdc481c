//! Health: what is checked, how often, and what the probes answer.

mod check;
mod kept;
mod monitor;
mod probes;
mod readiness;
mod report;

use std::collections::BTreeSet;
use std::time::Duration;

pub use self::check::{Check, CheckFailed, Component};
pub use self::kept::{Connector, Kept};
pub use self::monitor::{Monitor, check_all};
pub use self::probes::router;
pub use self::readiness::Readiness;
pub use self::report::{ComponentReport, Report, Status};
use crate::environment::Environment;
use crate::settings::{self, Program, SettingError};

/// How often and how patiently resources are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthSettings {
    /// `HEALTH_CACHE_TTL`: how long an answer is good (HLT-5).
    pub cache_ttl: Duration,
    /// `HEALTH_CHECK_TIMEOUT`: how long one check may take (HLT-4).
    pub check_timeout: Duration,
    /// `HEALTH_OPTIONAL`: components without which the program is degraded, not unhealthy (HLT-3).
    pub optional: BTreeSet<&'static str>,
}

impl HealthSettings {
    /// Reads the settings; `HEALTH_OPTIONAL` may name only components of `program` (CFG-2).
    pub fn read(environment: &Environment, program: &Program) -> Result<Self, SettingError> {
        let five_seconds = Duration::from_secs(5);
        let optional = program.optional.iter().copied().collect();
        Ok(Self {
            cache_ttl: settings::duration(environment, "HEALTH_CACHE_TTL", five_seconds)?,
            check_timeout: settings::duration(environment, "HEALTH_CHECK_TIMEOUT", five_seconds)?,
            optional: settings::read(environment, "HEALTH_OPTIONAL", optional, |names| {
                parse_optional(names, program.components)
            })?,
        })
    }
}

fn parse_optional(
    names: &str,
    components: &[&'static str],
) -> Result<BTreeSet<&'static str>, &'static str> {
    if names == "none" {
        return Ok(BTreeSet::new());
    }
    names
        .split(',')
        .map(|name| {
            components
                .iter()
                .copied()
                .find(|component| *component == name.trim())
        })
        .collect::<Option<_>>()
        .ok_or("is neither none nor a list of this program's components")
}
