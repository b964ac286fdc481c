//! Assembles the run's report from the selection and the results.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::backends::BackendInfo;
use crate::failure::Failure;
use crate::features::cases::Case;
use crate::features::select::Selected;
use crate::manifest::Manifest;
use crate::observe::Patience;
use crate::run::deviations;
use crate::run::model::{RunReport, SubjectInfo};
use crate::run::outcome::{Evidence, Outcome, ScenarioResult};
use crate::run::verdict;

/// Facts about a run besides its scenarios.
#[derive(Clone, Debug)]
pub struct RunFacts {
    /// The version of the suite.
    pub suite_version: String,
    /// The contract's version.
    pub contract: String,
    /// The seed of the scenario order and of generated inputs.
    pub seed: u64,
    /// The allowance of this machine on the contract's limits.
    pub patience: Patience,
    /// When the run started.
    pub started_at: DateTime<Utc>,
    /// How long the run took.
    pub duration: Duration,
    /// Provider and version of each started backend, by name.
    pub backends: BTreeMap<String, BackendInfo>,
    /// Clauses without scenarios yet.
    pub unjudged: Vec<String>,
    /// Whether a signal ended the run early.
    pub interrupted: bool,
    /// `--fail-fast`: the run ends at the first failure.
    pub fail_fast: bool,
    /// `--allow-missing`: scenarios that lack a backend do not make the run fail.
    pub allow_missing: bool,
}

/// Assembles the report of a run; `cases` are all cases of the features, in order.
pub fn assemble(
    facts: RunFacts,
    manifest: &Manifest,
    cases: &[Arc<Case>],
    selected: &Selected,
    executed: Vec<ScenarioResult>,
) -> RunReport {
    let may_end_early = facts.interrupted || facts.fail_fast;
    let results = collect(selected, executed, manifest, may_end_early);
    let mut deselected = unexecuted(selected, &results);
    deselected.extend(selected.deselected.iter().cloned());
    RunReport {
        suite_version: facts.suite_version,
        contract: facts.contract,
        patience: facts.patience.factor(),
        subject: SubjectInfo {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
        },
        seed: facts.seed,
        started_at: facts.started_at,
        duration: facts.duration,
        backends: facts.backends,
        verdicts: verdict::judge(manifest, &results, &deselected, facts.patience),
        scenarios: in_order(results, cases),
        unjudged: facts.unjudged,
        interrupted: facts.interrupted,
        trouble: None,
        allow_missing: facts.allow_missing,
    }
}

/// Returns a result for every selected case. A case without a result counts as an error, unless the run may
/// have ended early.
fn collect(
    selected: &Selected,
    executed: Vec<ScenarioResult>,
    manifest: &Manifest,
    may_end_early: bool,
) -> Vec<ScenarioResult> {
    let mut results = executed;
    if !may_end_early {
        let lost = unexecuted(selected, &results);
        results.extend(lost.into_iter().map(lost_case));
    }
    let skipped = selected.skipped.iter().map(|(case, reason)| {
        let reason = reason.clone();
        ScenarioResult::without_steps(case.clone(), Outcome::Skipped { reason }, None)
    });
    results.extend(skipped);
    deviations::apply(manifest, &mut results);
    results
}

fn lost_case(case: Arc<Case>) -> ScenarioResult {
    let failure = Failure::broken("the suite lost this scenario: it ended without a result");
    let evidence = Evidence::for_whole_scenario(&case, failure);
    ScenarioResult::without_steps(case, Outcome::Error, Some(evidence))
}

/// The cases to execute that have no result.
fn unexecuted(selected: &Selected, results: &[ScenarioResult]) -> Vec<Arc<Case>> {
    let has_result =
        |case: &Arc<Case>| results.iter().any(|result| Arc::ptr_eq(&result.case, case));
    let cases = selected.run.iter().filter(|case| !has_result(case));
    cases.cloned().collect()
}

fn in_order(mut results: Vec<ScenarioResult>, cases: &[Arc<Case>]) -> Vec<ScenarioResult> {
    let position = |result: &ScenarioResult| {
        let mut cases = cases.iter();
        cases.position(|case| Arc::ptr_eq(case, &result.case))
    };
    results.sort_by_cached_key(position);
    results
}
