//! Findings: what the self-check has to complain about, a pure function of what was run.

use std::sync::Arc;

use conformance_engine::features::cases::Case;
use conformance_engine::run::outcome::{Outcome, ScenarioResult};

use super::exempt::{self, FROM_STANDING, FROM_TEETH};
use super::{Request, Trial, catches};

/// Everything that is wrong, one sentence each.
pub fn findings(request: &Request, cases: &[Arc<Case>], trials: &[Trial]) -> Vec<String> {
    let mut findings = Vec::new();
    for trial in trials {
        findings.extend(of_trial(trial));
    }
    // Which scenarios have teeth is known only when all counterexamples of a clause were run.
    if request.only.is_empty() {
        findings.extend(toothless(request, cases, trials));
        findings.extend(stale(cases));
    }
    findings
}

fn of_trial(trial: &Trial) -> Vec<String> {
    let counterexample = &trial.counterexample;
    let id = &counterexample.id;
    let mut findings: Vec<String> = trial
        .broken()
        .into_iter()
        .map(|it| {
            format!(
                "{id}: {:?} ended as {}, which judges nothing: {}",
                it.case.name,
                it.outcome.word(),
                cause(it)
            )
        })
        .collect();
    if trial.results.is_empty() {
        findings.push(format!("{id}: no scenario was run against it"));
    } else if counterexample.is_plain() {
        let failed = trial.catchers().into_iter();
        findings.extend(failed.map(|it| {
            format!(
                "the plain reference fails {} {:?}: {}",
                it.case.clause,
                it.case.name,
                cause(it)
            )
        }));
    } else if counterexample.is_standing() {
        let passed = trial.with(|it| *it == Outcome::Passed);
        let held = passed
            .into_iter()
            .filter(|it| !exempt::exempt(FROM_STANDING, &it.case.name));
        findings.extend(held.map(|it| {
            format!(
                "{id} passes {} {:?} ({})",
                it.case.clause, it.case.name, counterexample.wrong
            )
        }));
    } else if trial.catchers().is_empty() {
        findings.push(format!(
            "{id} is not caught by any scenario of {}: {}",
            counterexample.clause.as_deref().unwrap_or_default(),
            counterexample.wrong
        ));
    }
    findings
}

fn cause(result: &ScenarioResult) -> String {
    match (&result.evidence, result.outcome.reason()) {
        (Some(evidence), _) if evidence.expected.is_empty() => evidence.got.clone(),
        (Some(evidence), _) => format!("expected {}, got {}", evidence.expected, evidence.got),
        (None, reason) => reason.unwrap_or_default().to_owned(),
    }
}

fn toothless(request: &Request, cases: &[Arc<Case>], trials: &[Trial]) -> Vec<String> {
    let catches = catches(trials);
    cases
        .iter()
        .filter(|it| request.clauses.is_empty() || request.clauses.contains(&it.clause))
        .filter(|it| is_whole(request, cases, it))
        .filter(|it| !catches.contains_key(it.name.as_str()))
        .filter(|it| !exempt::exempt(FROM_TEETH, &it.name))
        .map(|it| {
            format!(
                "{} {:?} ({}) catches no counterexample",
                it.clause,
                it.name,
                it.location()
            )
        })
        .collect()
}

/// Whether every component that has the scenario was asked for: those of another may be what it catches.
fn is_whole(request: &Request, cases: &[Arc<Case>], case: &Case) -> bool {
    let mut same = cases.iter().filter(|it| it.name == case.name);
    request.components.is_empty() || same.all(|it| request.components.contains(&it.component))
}

/// An exemption that names no scenario hides nothing and says that it does.
fn stale(cases: &[Arc<Case>]) -> Vec<String> {
    FROM_TEETH
        .iter()
        .chain(FROM_STANDING)
        .filter(|(prefix, _)| !cases.iter().any(|it| it.name.starts_with(prefix)))
        .map(|(prefix, _)| format!("the exemption of {prefix:?} names no scenario"))
        .collect()
}
