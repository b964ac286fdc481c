//! Findings: what the self-check has to complain about, a pure function of what was run.

use std::sync::Arc;

use conformance_engine::features::cases::Case;
use conformance_engine::run::outcome::{Outcome, ScenarioResult};

use super::exempt::{self, FROM_KILLING, FROM_STANDING};
use super::{Request, Trial, kills};

/// Everything that is wrong, one sentence each.
pub fn findings(request: &Request, cases: &[Arc<Case>], trials: &[Trial]) -> Vec<String> {
    let mut findings = Vec::new();
    for trial in trials {
        findings.extend(of_trial(trial));
    }
    // Which scenarios kill no mutant is known only when all mutants of a clause were run.
    if request.only.is_empty() {
        findings.extend(without_kill(request, cases, trials));
        findings.extend(stale(cases));
    }
    findings
}

fn of_trial(trial: &Trial) -> Vec<String> {
    let mutant = &trial.mutant;
    let id = &mutant.id;
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
    } else if mutant.is_plain() {
        let failed = trial.killers().into_iter();
        findings.extend(failed.map(|it| {
            format!(
                "the plain reference fails {} {:?}: {}",
                it.case.clause,
                it.case.name,
                cause(it)
            )
        }));
    } else if mutant.is_standing() {
        let passed = trial.with(|it| *it == Outcome::Passed);
        let held = passed
            .into_iter()
            .filter(|it| !exempt::exempt(FROM_STANDING, &it.case.name));
        findings.extend(held.map(|it| {
            format!(
                "{id} passes {} {:?} ({})",
                it.case.clause, it.case.name, mutant.wrong
            )
        }));
    } else if trial.killers().is_empty() {
        findings.push(format!(
            "{id} survives every scenario of {}: {}",
            mutant.clause.as_deref().unwrap_or_default(),
            mutant.wrong
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

fn without_kill(request: &Request, cases: &[Arc<Case>], trials: &[Trial]) -> Vec<String> {
    let kills = kills(trials);
    cases
        .iter()
        .filter(|it| request.clauses.is_empty() || request.clauses.contains(&it.clause))
        .filter(|it| is_whole(request, cases, it))
        .filter(|it| !kills.contains_key(it.name.as_str()))
        .filter(|it| !exempt::exempt(FROM_KILLING, &it.name))
        .map(|it| {
            format!(
                "{} {:?} ({}) kills no mutant",
                it.clause,
                it.name,
                it.location()
            )
        })
        .collect()
}

/// Whether every component that has the scenario was asked for: it may kill those of another.
fn is_whole(request: &Request, cases: &[Arc<Case>], case: &Case) -> bool {
    let mut same = cases.iter().filter(|it| it.name == case.name);
    request.components.is_empty() || same.all(|it| request.components.contains(&it.component))
}

/// An exemption that names no scenario hides nothing and says that it does.
fn stale(cases: &[Arc<Case>]) -> Vec<String> {
    FROM_KILLING
        .iter()
        .chain(FROM_STANDING)
        .filter(|(prefix, _)| !cases.iter().any(|it| it.name.starts_with(prefix)))
        .map(|(prefix, _)| format!("the exemption of {prefix:?} names no scenario"))
        .collect()
}
