//! Computes verdicts and the exit status from outcomes, as pure functions.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::features::cases::Case;
use crate::features::select::Profile;
use crate::manifest::Manifest;
use crate::observe::Patience;
use crate::run::outcome::{MissingKind, Outcome, ScenarioResult};

#[cfg(test)]
mod tests;

/// The verdict on a component and profile, ordered from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every scenario passed or was skipped because of its capability, and at least one passed.
    Conformant,
    /// No scenario failed, but not all of them were executed and passed.
    Partial,
    /// The suite could not judge at least one scenario.
    Unknown,
    /// At least one scenario failed.
    NotConformant,
}

impl Verdict {
    /// The name in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Conformant => "conformant",
            Self::Partial => "partial",
            Self::Unknown => "unknown",
            Self::NotConformant => "not conformant",
        }
    }

    /// The verdict for a tally: a failure outranks an error, and an error outranks scenarios that did not count.
    fn from_tally(tally: &Tally, deselected: usize, patience: Patience) -> Self {
        let gaps = tally.not_run + tally.known_deviations + deselected;
        if tally.failed > 0 {
            Self::NotConformant
        } else if tally.errors > 0 {
            Self::Unknown
        } else if gaps > 0 || tally.passed == 0 || patience.factor() > Patience::MAX_CONFORMANT {
            Self::Partial
        } else {
            Self::Conformant
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The number of scenarios by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Scenarios whose steps all passed.
    pub passed: usize,
    /// Scenarios in which the subject violates the clause, or whose declared deviation no longer exists.
    pub failed: usize,
    /// Scenarios whose capability is not declared.
    pub skipped: usize,
    /// Scenarios that lacked a backend, a control or a subject that starts.
    pub not_run: usize,
    /// Scenarios that fail, as declared in the manifest.
    pub known_deviations: usize,
    /// Scenarios that the suite could not judge.
    pub errors: usize,
}

impl Tally {
    /// Counts the outcomes.
    pub fn count<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
        let mut tally = Self::default();
        for outcome in outcomes {
            let count = match outcome {
                Outcome::Passed => &mut tally.passed,
                Outcome::Failed => &mut tally.failed,
                Outcome::Skipped { .. } => &mut tally.skipped,
                Outcome::NotRun { .. } => &mut tally.not_run,
                Outcome::KnownDeviation { .. } => &mut tally.known_deviations,
                Outcome::Error => &mut tally.errors,
            };
            *count += 1;
        }
        tally
    }

    /// Number of scenarios that were executed, with any outcome.
    pub fn executed(&self) -> usize {
        self.passed + self.failed + self.known_deviations + self.errors
    }
}

/// The verdict on a component and profile, with its tally.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentVerdict {
    /// The component's name.
    pub component: String,
    /// The part of the contract that the verdict covers.
    pub profile: Profile,
    /// The verdict.
    pub verdict: Verdict,
    /// Outcomes of the selected scenarios of component and profile.
    pub tally: Tally,
    /// Number of scenarios that were not selected, or not executed because the run ended early.
    pub deselected: usize,
}

/// Computes a verdict for each component of the manifest and each profile, core first.
///
/// `deselected` contains the cases that were not selected or, if the run ended early, not executed. The verdict
/// on a component without any scenario is `partial`.
pub fn judge(
    manifest: &Manifest,
    results: &[ScenarioResult],
    deselected: &[Arc<Case>],
    patience: Patience,
) -> Vec<ComponentVerdict> {
    let judge_one = |component: &String, profile: Profile| {
        let belongs = |case: &Case| case.component == *component && profile.contains(case);
        let results = results.iter().filter(|result| belongs(&result.case));
        let tally = Tally::count(results.map(|result| &result.outcome));
        let deselected = deselected.iter().filter(|case| belongs(case)).count();
        ComponentVerdict {
            component: component.clone(),
            profile,
            verdict: Verdict::from_tally(&tally, deselected, patience),
            tally,
            deselected,
        }
    };
    manifest
        .components
        .keys()
        .flat_map(|component| Profile::ALL.map(|profile| judge_one(component, profile)))
        .collect()
}

/// How a run ended. If several variants apply, the first one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A signal ended the run early: exit status 130.
    Interrupted,
    /// A scenario failed: exit status 1.
    Failed,
    /// The suite could not judge a scenario: exit status 2.
    Error,
    /// This number of scenarios lacked a backend, without `--allow-missing`: exit status 2.
    MissingBackend(usize),
    /// No scenario was executed: exit status 2, even with `--allow-missing`.
    NoneExecuted,
    /// Otherwise: exit status 0, also if scenarios lacked a control of the subject.
    Success,
}

impl Ending {
    /// How a run with these results ended.
    pub fn from_results(
        results: &[ScenarioResult],
        interrupted: bool,
        allow_missing: bool,
    ) -> Self {
        let tally = Tally::count(results.iter().map(|result| &result.outcome));
        let missing = results
            .iter()
            .filter(|result| lacks_backend(&result.outcome));
        let missing = missing.count();
        if interrupted {
            Self::Interrupted
        } else if tally.failed > 0 {
            Self::Failed
        } else if tally.errors > 0 {
            Self::Error
        } else if missing > 0 && !allow_missing {
            Self::MissingBackend(missing)
        } else if tally.executed() == 0 {
            Self::NoneExecuted
        } else {
            Self::Success
        }
    }

    /// The exit status of `conformance run`.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupted => 130,
            Self::Failed => 1,
            Self::Error | Self::MissingBackend(_) | Self::NoneExecuted => 2,
            Self::Success => 0,
        }
    }
}

fn lacks_backend(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::NotRun {
            missing: MissingKind::Backend,
            ..
        }
    )
}
