//! The data of a run that all reports render.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::backends::BackendInfo;
use crate::run::outcome::ScenarioResult;
use crate::run::verdict::ComponentVerdict;

/// Name and version of the subject, from its manifest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubjectInfo {
    /// `subject.name` of the manifest.
    pub name: String,
    /// `subject.version` of the manifest.
    pub version: String,
}

/// A run with its results. Reports are rendered from it, in this process or later from `verdict.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunReport {
    /// The version of the suite.
    pub suite_version: String,
    /// The contract's version.
    pub contract: String,
    /// The factor of `--patience`.
    pub patience: f64,
    /// The judged implementation.
    pub subject: SubjectInfo,
    /// The seed of the scenario order and of generated inputs.
    pub seed: u64,
    /// When the run started.
    pub started_at: DateTime<Utc>,
    /// How long the run took.
    pub duration: Duration,
    /// Provider and version of each started backend, by name.
    pub backends: BTreeMap<String, BackendInfo>,
    /// One verdict for each component and profile.
    pub verdicts: Vec<ComponentVerdict>,
    /// One result for each selected case, in the order of the features.
    pub scenarios: Vec<ScenarioResult>,
    /// Clauses without scenarios yet, which no verdict covers.
    pub unjudged: Vec<String>,
    /// Whether a signal ended the run early, or this is an intermediate report of a run in progress.
    pub interrupted: bool,
    /// Why the suite could not judge at all, such as an invalid manifest or a failed build.
    pub trouble: Option<String>,
    /// `--allow-missing`: scenarios that lack a backend do not make the run fail.
    pub allow_missing: bool,
}

impl RunReport {
    /// A run that ended before any scenario was executed.
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
