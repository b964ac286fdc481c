//! What came of each case, and what shows why.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::features::cases::Case;
use crate::observe::journal::Event;

/// What came of one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingKind {
    /// A backend that this machine does not offer; `--allow-missing` accepts that.
    Backend,
    /// A kind of control that this kind of subject does not give.
    Control,
    /// A subject that starts: another scenario failed for that reason.
    Start,
}

/// An outcome without its reason, as reports name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// See [`Outcome::Passed`].
    Passed,
    /// See [`Outcome::Failed`].
    Failed,
    /// See [`Outcome::Skipped`].
    Skipped,
    /// See [`Outcome::NotRun`].
    NotRun,
    /// See [`Outcome::KnownDeviation`].
    KnownDeviation,
    /// See [`Outcome::Error`].
    Error,
}

impl OutcomeKind {
    /// The word for it in every report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::NotRun => "not_run",
            Self::KnownDeviation => "known_deviation",
            Self::Error => "error",
        }
    }
}

impl Outcome {
    /// The outcome without its reason.
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Passed => OutcomeKind::Passed,
            Self::Failed => OutcomeKind::Failed,
            Self::Skipped { .. } => OutcomeKind::Skipped,
            Self::NotRun { .. } => OutcomeKind::NotRun,
            Self::KnownDeviation { .. } => OutcomeKind::KnownDeviation,
            Self::Error => OutcomeKind::Error,
        }
    }

    /// The word for it in every report.
    pub fn word(&self) -> &'static str {
        self.kind().word()
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScenarioResult {
    /// What was run.
    #[serde(with = "shared")]
    pub case: Arc<Case>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// From its first step to the end of its clean-up.
    pub duration: Duration,
    /// For everything that did not pass by itself: what shows why.
    pub evidence: Option<Evidence>,
    /// How long each step took, for `--timings`.
    pub steps: Vec<(String, Duration)>,
}

impl ScenarioResult {
    /// One that was not executed, or did not end by itself.
    pub fn without_steps(case: Arc<Case>, outcome: Outcome, evidence: Option<Evidence>) -> Self {
        Self {
            case,
            outcome,
            duration: Duration::ZERO,
            evidence,
            steps: Vec::new(),
        }
    }

    /// Why it did not pass, on one line; never without one for what did not.
    pub fn reason(&self) -> Option<String> {
        let reason = match (&self.outcome, &self.evidence) {
            (Outcome::Passed, _) => return None,
            (outcome, Some(evidence)) => match outcome.reason() {
                Some(reason) => reason.to_owned(),
                None => evidence.failure.first_line(),
            },
            (outcome, None) => outcome.reason().unwrap_or(outcome.word()).to_owned(),
        };
        Some(reason)
    }
}

/// A case is shared in memory, and written whole.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Case;

    pub(super) fn serialize<S: Serializer>(case: &Arc<Case>, to: S) -> Result<S::Ok, S::Error> {
        (**case).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<Case>, D::Error> {
        Case::deserialize(from).map(Arc::new)
    }
}

/// What shows why a case did not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The step, with its keyword.
    pub step: String,
    /// Its line in the feature file.
    pub line: usize,
    /// Why it did not pass.
    pub failure: Failure,
    /// What happened, in order.
    pub timeline: Vec<Event>,
    /// The log lines of the subject's programs that belong to the scenario.
    pub logs: Vec<LogExcerpt>,
    /// The command that runs this case alone.
    pub rerun: String,
}

impl Evidence {
    /// What concerns the scenario as a whole, and was not seen by one of its steps.
    pub fn of_whole(case: &Case, failure: Failure) -> Self {
        Self {
            step: "the whole scenario".to_owned(),
            line: case.line,
            failure,
            timeline: Vec::new(),
            logs: Vec::new(),
            rerun: String::new(),
        }
    }
}

/// Lines that one program wrote while the scenario ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogExcerpt {
    /// The program: `user-service #1`.
    pub source: String,
    /// Its lines, cleaned of control characters.
    pub lines: Vec<String>,
    /// How many older ones are left out.
    pub omitted: usize,
}
