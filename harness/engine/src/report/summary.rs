//! The counts at the end of a report, and the exit status.

use std::fmt;

use super::{ReportError, text};
use crate::run::model::RunReport;
use crate::run::verdict::{Ending, Tally};

/// `3 passed, 1 failed, 2 skipped`: `0 failed` is printed exactly if the exit status is 0.
///
/// Scenarios that were not run and known deviations count as skipped. A run that failed as a whole (interrupted,
/// nothing executed) without a failed scenario counts as one failure. Errors are counted separately, and then
/// `0 failed` is left out: `3 passed, 2 errors, 2 skipped`. So this line is never mistaken for a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    /// Scenarios that passed.
    pub(super) passed: usize,
    /// Scenarios that failed, or 1 if only the run as a whole failed.
    pub(super) failed: usize,
    /// Scenarios that the suite could not judge.
    pub(super) errors: usize,
    /// Scenarios that were skipped or not run, and known deviations.
    pub(super) skipped: usize,
    /// The exit status of `conformance run`.
    pub(super) exit_code: u8,
    /// Why the run as a whole failed, if it did.
    pub(super) trouble: Option<String>,
}

impl Summary {
    /// Summarizes a run; `write_error` is the error of writing its reports, if there was one.
    pub(super) fn new(run: &RunReport, write_error: Option<&ReportError>) -> Self {
        let tally = Tally::count(run.scenarios.iter().map(|result| &result.outcome));
        let ending = Ending::from_results(&run.scenarios, run.interrupted, run.allow_missing);
        let trouble = write_error
            .map(ToString::to_string)
            .or_else(|| run.trouble.clone())
            .or_else(|| trouble(ending));
        let exit_code = match ending.exit_code() {
            0 if write_error.is_some() => 2,
            code => code,
        };
        let has_failures = tally.failed + tally.errors > 0;
        Self {
            passed: tally.passed,
            failed: if has_failures {
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

/// Why the run as a whole failed, if no scenario shows it.
fn trouble(ending: Ending) -> Option<String> {
    match ending {
        Ending::Interrupted => Some("it was interrupted".to_owned()),
        Ending::MissingBackend(number) => Some(format!(
            "{} not run because of a missing backend; --allow-missing accepts that",
            text::format_count(number, "scenario")
        )),
        Ending::NoneExecuted => Some("no scenario was executed".to_owned()),
        Ending::Failed | Ending::Error | Ending::Success => None,
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed", self.passed)?;
        if self.failed > 0 || self.errors == 0 {
            write!(f, ", {} failed", self.failed)?;
        }
        if self.errors > 0 {
            write!(f, ", {}", text::format_count(self.errors, "error"))?;
        }
        write!(f, ", {} skipped", self.skipped)
    }
}
