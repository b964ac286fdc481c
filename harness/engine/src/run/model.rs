//! What came of the run: the one model that every report renders.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::backends::BackendInfo;
use crate::run::outcome::ScenarioResult;
use crate::run::verdict::ComponentVerdict;

/// The subject as its manifest names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubjectInfo {
    /// `subject.name`.
    pub name: String,
    /// `subject.version`.
    pub version: String,
}

/// A run: what every report is made from, in this process or later from a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunReport {
    /// The suite's own version.
    pub suite_version: String,
    /// The contract's version.
    pub contract: String,
    /// The factor of `--patience`.
    pub patience: f64,
    /// Who was judged.
    pub subject: SubjectInfo,
    /// The seed of order and properties.
    pub seed: u64,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How long it took.
    pub duration: Duration,
    /// What each backend was.
    pub backends: BTreeMap<String, BackendInfo>,
    /// One for each component and profile.
    pub verdicts: Vec<ComponentVerdict>,
    /// One for each selected case, in the order of the features.
    pub scenarios: Vec<ScenarioResult>,
    /// Clauses that have no scenario yet, so that no verdict claims them.
    pub unjudged: Vec<String>,
    /// A signal ended it before its end, or this is what was known before it ended.
    pub interrupted: bool,
    /// Why the suite could not judge at all: the manifest, the build, a report.
    pub trouble: Option<String>,
    /// `--allow-missing`: a missing backend is accepted.
    pub allow_missing: bool,
}

impl RunReport {
    /// A run that ended before a scenario was executed.
    pub fn without_scenarios(suite_version: &str, contract: &str, trouble: String) -> Self {
        Self {
            suite_version: suite_version.to_owned(),
            contract: contract.to_owned(),
            patience: 1.0,
            subject: SubjectInfo {
                name: "unknown".to_owned(),
                version: String::new(),
            },
            seed: 0,
            started_at: Utc::now(),
            duration: Duration::ZERO,
            backends: BTreeMap::new(),
            verdicts: Vec::new(),
            scenarios: Vec::new(),
            unjudged: Vec::new(),
            interrupted: false,
            trouble: Some(trouble),
            allow_missing: false,
        }
    }
}
