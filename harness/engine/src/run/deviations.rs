//! Applies the known deviations of the manifest: their scenarios are run, and their failures do not count as failures.

use std::sync::Arc;

use crate::failure::Failure;
use crate::features::cases::Case;
use crate::manifest::{KnownDeviation, Manifest};
use crate::run::outcome::{Evidence, Outcome, ScenarioResult};

/// Error of a known deviation that matches no scenario.
#[derive(Debug, thiserror::Error)]
#[error(
    "{manifest}:{line}: the known deviation from {clause} matches no scenario: {scenario:?}; `conformance list --clause {clause}` shows its scenarios"
)]
pub struct UnmatchedDeviation {
    manifest: String,
    line: usize,
    clause: String,
    scenario: String,
}

/// Checks that every known deviation of the manifest matches a scenario.
pub fn check(
    manifest: &Manifest,
    cases: &[Arc<Case>],
    path: &str,
) -> Result<(), UnmatchedDeviation> {
    for declared in &manifest.known_deviations {
        if !cases.iter().any(|case| covers(declared, case)) {
            return Err(UnmatchedDeviation {
                manifest: path.to_owned(),
                line: declared.line,
                clause: declared.clause.clone(),
                scenario: declared
                    .scenario
                    .clone()
                    .unwrap_or_else(|| "any".to_owned()),
            });
        }
    }
    Ok(())
}

fn covers(declared: &KnownDeviation, case: &Case) -> bool {
    declared.clause == case.clause
        && declared
            .scenario
            .as_ref()
            .is_none_or(|name| *name == case.name)
}

/// Turns failures that are declared as known deviations into such, and passes of stale declarations into failures.
///
/// A declaration for one scenario is stale if the scenario passes; one for a whole clause if all of its
/// executed scenarios pass.
pub fn apply(manifest: &Manifest, results: &mut [ScenarioResult]) {
    for declared in &manifest.known_deviations {
        let is_covered = |result: &ScenarioResult| covers(declared, &result.case);
        let any_failed = results.iter().any(|result| {
            is_covered(result)
                && matches!(
                    result.outcome,
                    Outcome::Failed | Outcome::KnownDeviation { .. }
                )
        });
        for result in results.iter_mut().filter(|result| is_covered(result)) {
            match result.outcome {
                Outcome::Failed => {
                    result.outcome = Outcome::KnownDeviation {
                        reason: declared.reason.clone(),
                    };
                }
                Outcome::Passed if !any_failed => {
                    result.outcome = Outcome::Failed;
                    result.evidence = Some(evidence_of_stale(declared, &result.case));
                }
                _ => {}
            }
        }
    }
}

fn evidence_of_stale(declared: &KnownDeviation, case: &Case) -> Evidence {
    let declared = format!(
        "the deviation that line {} of the manifest declares: {}",
        declared.line, declared.reason
    );
    let got = "the scenario passes: the declaration is stale, remove it";
    Evidence::for_whole_scenario(case, Failure::mismatch(declared, got))
}
