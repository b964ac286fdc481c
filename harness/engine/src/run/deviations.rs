//! Known deviations: declared in the manifest, still run, and never a pass.

use std::sync::Arc;

use crate::failure::Failure;
use crate::features::cases::Case;
use crate::manifest::{KnownDeviation, Manifest};
use crate::run::outcome::{Evidence, Outcome, ScenarioResult};

/// A declaration that covers no scenario is a mistake: it would hide nothing and say that it does.
#[derive(Debug, thiserror::Error)]
#[error(
    "{manifest}:{line}: the known deviation from {clause} names no scenario of it: {scenario:?}; `conformance list --clause {clause}` shows them"
)]
pub struct CoversNothing {
    manifest: String,
    line: usize,
    clause: String,
    scenario: String,
}

/// Every declaration must cover a scenario that exists.
pub fn check(manifest: &Manifest, cases: &[Arc<Case>], path: &str) -> Result<(), CoversNothing> {
    for declared in &manifest.known_deviations {
        if !cases.iter().any(|case| covers(declared, case)) {
            return Err(CoversNothing {
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
    declared.clause == case.clause && declared.scenario.as_ref().is_none_or(|it| *it == case.name)
}

/// Turns the failures that are declared into known deviations, and stale declarations into failures.
///
/// A declaration for one scenario is stale when that scenario passes; one for a whole clause when
/// every one of its scenarios that was run passes.
pub fn apply(manifest: &Manifest, results: &mut [ScenarioResult]) {
    for declared in &manifest.known_deviations {
        let covered = |it: &ScenarioResult| covers(declared, &it.case);
        let failed = results.iter().any(|result| {
            covered(result)
                && matches!(
                    result.outcome,
                    Outcome::Failed | Outcome::KnownDeviation { .. }
                )
        });
        for result in results.iter_mut().filter(|it| covered(it)) {
            match result.outcome {
                Outcome::Failed => {
                    result.outcome = Outcome::KnownDeviation {
                        reason: declared.reason.clone(),
                    };
                }
                Outcome::Passed if !failed => {
                    result.outcome = Outcome::Failed;
                    result.evidence = Some(stale(declared, &result.case));
                }
                _ => {}
            }
        }
    }
}

fn stale(declared: &KnownDeviation, case: &Case) -> Evidence {
    let declared = format!(
        "the deviation that line {} of the manifest declares: {}",
        declared.line, declared.reason
    );
    let got = "the scenario passes: the declaration is stale, remove it";
    Evidence::of_whole(case, Failure::mismatch(declared, got))
}
