//! What came of each case, and of the run: the one model that every report renders.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::backends::BackendInfo;
use crate::features::cases::Case;
use crate::run::verdict::ComponentVerdict;

/// What came of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every step passed.
    Passed,
    /// The subject is wrong, or a declared deviation does not deviate any more.
    Failed,
    /// The subject does not declare the capability.
    Skipped {
        /// Names the capability.
        reason: String,
    },
    /// It could not be run here.
    NotRun {
        /// What is missing.
        reason: String,
        /// Whether the machine or the subject is short of it.
        missing: MissingKind,
    },
    /// It fails, as the manifest says that it does.
    KnownDeviation {
        /// The manifest's reason.
        reason: String,
    },
    /// The suite could not judge.
    Error,
}

/// What a case that was not run wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingKind {
    /// A backend that this machine does not offer; `--allow-missing` accepts that.
    Backend,
    /// A kind of control that this kind of subject does not give.
    Control,
}

impl Outcome {
    /// The word for it in every report.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped { .. } => "skipped",
            Self::NotRun { .. } => "not_run",
            Self::KnownDeviation { .. } => "known_deviation",
            Self::Error => "error",
        }
    }

    /// Why it was not simply run to its end, if so.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Skipped { reason }
            | Self::NotRun { reason, .. }
            | Self::KnownDeviation { reason } => Some(reason),
            Self::Passed | Self::Failed | Self::Error => None,
        }
    }
}

/// One case and what came of it.
#[derive(Clone, Debug)]
pub struct ScenarioResult {
    /// What was run.
    pub case: Arc<Case>,
    /// What came of it.
    pub outcome: Outcome,
    /// From its first step to the end of its clean-up.
    pub duration: Duration,
    /// For everything that did not pass by itself: what shows why.
    pub evidence: Option<Evidence>,
    /// How long each step took, for `--timings`.
    pub steps: Vec<(String, Duration)>,
}

/// What shows why a case did not pass.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The step, with its keyword.
    pub step: String,
    /// Its line in the feature file.
    pub line: usize,
    /// What the clause asks for; empty for an error.
    pub expected: String,
    /// What was seen, or the cause of an error.
    pub got: String,
    /// Whatever else the check noted.
    pub details: Vec<String>,
    /// What happened, in order: `#3 +120 ms CreateUser OK 4 ms`.
    pub timeline: Vec<String>,
    /// The log lines of the subject's programs that belong to the scenario.
    pub logs: Vec<LogExcerpt>,
    /// The command that runs this case alone.
    pub rerun: String,
}

/// Lines that one program wrote while the scenario ran.
#[derive(Clone, Debug, Default)]
pub struct LogExcerpt {
    /// The program: `user-service #1`.
    pub source: String,
    /// Its lines, cleaned of control characters.
    pub lines: Vec<String>,
    /// How many older ones are left out.
    pub omitted: usize,
}

/// The subject as its manifest names it.
#[derive(Clone, Debug)]
pub struct SubjectInfo {
    /// `subject.name`.
    pub name: String,
    /// `subject.version`.
    pub version: String,
}

/// A run, complete: what every report is made from.
#[derive(Clone, Debug)]
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
    /// A signal ended it before its end.
    pub interrupted: bool,
    /// `--allow-missing`: a missing backend is accepted.
    pub allow_missing: bool,
}
