//! What was selected and what was executed become the report of the run.

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

/// What is known of a run besides its scenarios.
#[derive(Clone, Debug)]
pub struct RunFacts {
    /// The suite's own version.
    pub suite_version: String,
    /// The contract's version.
    pub contract: String,
    /// The seed of the scenario order and of generated inputs.
    pub seed: u64,
    /// What a slow machine gets.
    pub patience: Patience,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How long it took.
    pub duration: Duration,
    /// What each backend was.
    pub backends: BTreeMap<String, BackendInfo>,
    /// Clauses that have no scenario yet.
    pub unjudged: Vec<String>,
    /// A signal ended it before its end.
    pub interrupted: bool,
    /// It was to end at the first failure.
    pub fail_fast: bool,
    /// A missing backend is accepted.
    pub allow_missing: bool,
}

/// The report of a run: `cases` are all of the features, in their order.
pub fn assemble(
    facts: RunFacts,
    manifest: &Manifest,
    cases: &[Arc<Case>],
    selected: &Selected,
    executed: Vec<ScenarioResult>,
) -> RunReport {
    let may_be_cut_short = facts.interrupted || facts.fail_fast;
    let results = collect(selected, executed, manifest, may_be_cut_short);
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

/// A result for every selected case; in a run that was not cut short, one without a result is an error.
fn collect(
    selected: &Selected,
    executed: Vec<ScenarioResult>,
    manifest: &Manifest,
    may_be_cut_short: bool,
) -> Vec<ScenarioResult> {
    let mut results = executed;
    if !may_be_cut_short {
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
    let evidence = Evidence::of_whole(&case, failure);
    ScenarioResult::without_steps(case, Outcome::Error, Some(evidence))
}

/// The cases that an early end left out.
fn unexecuted(selected: &Selected, results: &[ScenarioResult]) -> Vec<Arc<Case>> {
    let has_result = |case: &Arc<Case>| {
        let mut same = results.iter().filter(|it| Arc::ptr_eq(&it.case, case));
        same.next().is_some()
    };
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
