//! The judgement: a pure function from outcomes to verdicts, and one to the exit status.

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

/// What is said of one component and profile, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every scenario passed or was skipped for a capability, and at least one passed.
    Conformant,
    /// Nothing is known to be wrong, but not all was seen to be right.
    Partial,
    /// The suite could not judge a scenario.
    Unknown,
    /// A scenario failed.
    NotConformant,
}

impl Verdict {
    /// The word for it in every report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Conformant => "conformant",
            Self::Partial => "partial",
            Self::Unknown => "unknown",
            Self::NotConformant => "not conformant",
        }
    }

    /// What the tally allows to say: a failure outranks an error, an error outranks a gap.
    fn of(tally: &Tally, deselected: usize, patience: Patience) -> Self {
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

/// How many scenarios came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Every step passed.
    pub passed: usize,
    /// The subject is wrong, or a declared deviation is stale.
    pub failed: usize,
    /// Their capability is not declared.
    pub skipped: usize,
    /// A backend or a kind of control is missing.
    pub not_run: usize,
    /// They fail, as the manifest says.
    pub known_deviations: usize,
    /// The suite could not judge.
    pub errors: usize,
}

impl Tally {
    /// Counts the outcomes.
    pub fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
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

    /// Those that were executed, whatever came of it.
    pub fn executed(&self) -> usize {
        self.passed + self.failed + self.known_deviations + self.errors
    }
}

/// What is said of one component and profile, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentVerdict {
    /// As the manifest names it.
    pub component: String,
    /// Of which part of the contract.
    pub profile: Profile,
    /// The judgement.
    pub verdict: Verdict,
    /// The scenarios of component and profile that were selected.
    pub tally: Tally,
    /// Those that were not selected, or that an early end left out.
    pub deselected: usize,
}

/// A verdict for each component of the manifest and each profile, core first.
///
/// `deselected` holds what was not selected and, of a run that ended early, what was not executed.
/// A component without any scenario is `partial`: nothing of it was seen to be right.
pub fn judge(
    manifest: &Manifest,
    results: &[ScenarioResult],
    deselected: &[Arc<Case>],
    patience: Patience,
) -> Vec<ComponentVerdict> {
    let of = |component: &String, profile: Profile| {
        let belongs = |case: &Case| case.component == *component && profile.holds(case);
        let mine = results.iter().filter(|it| belongs(&it.case));
        let tally = Tally::of(mine.map(|it| &it.outcome));
        let deselected = deselected.iter().filter(|it| belongs(it)).count();
        ComponentVerdict {
            component: component.clone(),
            profile,
            verdict: Verdict::of(&tally, deselected, patience),
            tally,
            deselected,
        }
    };
    manifest
        .components
        .keys()
        .flat_map(|component| Profile::ALL.map(|profile| of(component, profile)))
        .collect()
}

/// How a run ended; where several hold, the first of this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A signal ended it before its end: exit status 130, whatever was found until then.
    Interrupted,
    /// A scenario failed: 1, since that is certain whatever else went wrong.
    Failed,
    /// The suite could not judge a scenario: 2.
    Error,
    /// So many scenarios were not run for want of a backend, and that was not accepted: 2.
    Missing(usize),
    /// No scenario was executed, so nothing was shown: 2, also where a missing backend is accepted.
    Nothing,
    /// Everything else: 0. What was not run for want of a kind of control is no fault.
    Good,
}

impl Ending {
    /// The ending of a run with these results.
    pub fn of(results: &[ScenarioResult], interrupted: bool, allow_missing: bool) -> Self {
        let tally = Tally::of(results.iter().map(|it| &it.outcome));
        let missing = results.iter().filter(|it| wants_backend(&it.outcome));
        let missing = missing.count();
        if interrupted {
            Self::Interrupted
        } else if tally.failed > 0 {
            Self::Failed
        } else if tally.errors > 0 {
            Self::Error
        } else if missing > 0 && !allow_missing {
            Self::Missing(missing)
        } else if tally.executed() == 0 {
            Self::Nothing
        } else {
            Self::Good
        }
    }

    /// The exit status of `conformance run`.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupted => 130,
            Self::Failed => 1,
            Self::Error | Self::Missing(_) | Self::Nothing => 2,
            Self::Good => 0,
        }
    }
}

fn wants_backend(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::NotRun {
            missing: MissingKind::Backend,
            ..
        }
    )
}
