//! The counts that every report ends with, and that CI reads.

use std::fmt;

use super::{ReportError, text};
use crate::run::model::RunReport;
use crate::run::verdict::{Ending, Tally};

/// `3 passed, 1 failed, 2 skipped`: it says `0 failed` exactly when the exit status is 0.
///
/// What was not run and a known deviation count as skipped. A run that went wrong as a whole
/// (interrupted, nothing executed) without a scenario to blame counts itself as one failed. Errors are a
/// count of their own, `3 passed, 2 errors, 2 skipped`, without `0 failed` beside them: this line alone
/// cannot be taken for a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    /// Scenarios that passed.
    pub(super) passed: usize,
    /// Scenarios that failed, or 1 for the run as a whole.
    pub(super) failed: usize,
    /// Scenarios that the suite could not judge.
    pub(super) errors: usize,
    /// Scenarios that were not judged, or are known to deviate.
    pub(super) skipped: usize,
    /// Of `conformance run`.
    pub(super) exit_code: u8,
    /// What went wrong with the run as a whole.
    pub(super) trouble: Option<String>,
}

impl Summary {
    /// Counts the run; `unwritten` is why a report of it could not be written.
    pub(super) fn of(run: &RunReport, unwritten: Option<&ReportError>) -> Self {
        let tally = Tally::of(run.scenarios.iter().map(|it| &it.outcome));
        let ending = Ending::of(&run.scenarios, run.interrupted, run.allow_missing);
        let trouble = unwritten
            .map(ToString::to_string)
            .or_else(|| run.trouble.clone())
            .or_else(|| trouble(ending));
        let exit_code = match ending.exit_code() {
            0 if unwritten.is_some() => 2,
            code => code,
        };
        let is_blamed = tally.failed + tally.errors > 0;
        Self {
            passed: tally.passed,
            failed: if is_blamed {
                tally.failed
            } else {
                usize::from(exit_code != 0)
            },
            errors: tally.errors,
            skipped: tally.skipped + tally.not_run + tally.known_deviations,
            exit_code,
            trouble,
        }
    }
}

/// What went wrong, where no scenario says it.
fn trouble(ending: Ending) -> Option<String> {
    match ending {
        Ending::Interrupted => Some("interrupted before its end".to_owned()),
        Ending::Missing(number) => Some(format!(
            "{} not run for want of a backend; --allow-missing accepts that",
            text::count(number, "scenario")
        )),
        Ending::Nothing => Some("no scenario was executed".to_owned()),
        Ending::Failed | Ending::Error | Ending::Good => None,
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed", self.passed)?;
        if self.failed > 0 || self.errors == 0 {
            write!(f, ", {} failed", self.failed)?;
        }
        if self.errors > 0 {
            write!(f, ", {}", text::count(self.errors, "error"))?;
        }
        write!(f, ", {} skipped", self.skipped)
    }
}
