//! Outcome and evidence of a case.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::features::cases::Case;
use crate::observe::journal::Event;

/// The outcome of one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Every step passed.
    Passed,
    /// The subject violates the clause, or a declared known deviation no longer exists.
    Failed,
    /// The subject does not declare the capability that the scenario needs.
    Skipped {
        /// Names the missing capability.
        reason: String,
    },
    /// The scenario could not be run.
    NotRun {
        /// What is missing.
        reason: String,
        /// The kind of thing that is missing.
        missing: MissingKind,
    },
    /// The scenario fails, as declared in the manifest.
    KnownDeviation {
        /// The reason in the manifest.
        reason: String,
    },
    /// The suite could not judge.
    Error,
}

/// What is missing for a case that was not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingKind {
    /// A backend on this machine; `--allow-missing` accepts that.
    Backend,
    /// A control that this kind of subject does not offer.
    Control,
    /// A subject that starts; the failure of the start is reported by another scenario.
    Start,
}

/// The kind of an outcome, without its reason.
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
    /// The name in reports.
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
    /// The kind of this outcome.
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

    /// The name in reports.
    pub fn word(&self) -> &'static str {
        self.kind().word()
    }

    /// The reason for a skip, a missing requirement or a known deviation.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Skipped { reason }
            | Self::NotRun { reason, .. }
            | Self::KnownDeviation { reason } => Some(reason),
            Self::Passed | Self::Failed | Self::Error => None,
        }
    }
}

/// One case with its outcome.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScenarioResult {
    /// The case.
    #[serde(with = "shared_case")]
    pub case: Arc<Case>,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Time from the first step to the end of the clean-up.
    pub duration: Duration,
    /// The evidence for a case that failed or ended in error, known deviations included.
    pub evidence: Option<Evidence>,
    /// Each step with its duration, for `--timings`.
    pub steps: Vec<(String, Duration)>,
}

impl ScenarioResult {
    /// The result of a case that was not executed, or that was stopped.
    pub fn without_steps(case: Arc<Case>, outcome: Outcome, evidence: Option<Evidence>) -> Self {
        Self {
            case,
            outcome,
            duration: Duration::ZERO,
            evidence,
            steps: Vec::new(),
        }
    }

    /// Why the case did not pass, in one line; `None` only if it passed.
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

/// Serializes a shared case like an owned one.
mod shared_case {
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

/// One trace as a waterfall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceExcerpt {
    /// The id of the trace: 32 hexadecimal digits.
    pub id: String,
    /// A line for each span, children indented below their parents.
    pub lines: Vec<String>,
}

/// Evidence for why a case did not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The step that did not pass, with its keyword.
    pub step: String,
    /// The step's line in the feature file.
    pub line: usize,
    /// Why the step did not pass.
    pub failure: Failure,
    /// The events of the scenario, in order.
    pub timeline: Vec<Event>,
    /// Log lines of the subject's programs that belong to the scenario.
    pub logs: Vec<LogExcerpt>,
    /// Traces of the scenario, as far as spans of them were received.
    #[serde(default)]
    pub traces: Vec<TraceExcerpt>,
    /// The command that runs only this case.
    pub rerun: String,
}

impl Evidence {
    /// Evidence for a failure that does not belong to a step.
    pub fn for_whole_scenario(case: &Case, failure: Failure) -> Self {
        Self {
            step: "the whole scenario".to_owned(),
            line: case.line,
            failure,
            timeline: Vec::new(),
            logs: Vec::new(),
            traces: Vec::new(),
            rerun: String::new(),
        }
    }
}

/// Log lines of one program that were written while the scenario ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogExcerpt {
    /// The instance: `user-service #1`.
    pub source: String,
    /// The lines, without control characters.
    pub lines: Vec<String>,
    /// Number of older lines that are left out.
    pub omitted: usize,
}
