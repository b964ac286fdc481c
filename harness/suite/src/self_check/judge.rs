//! Findings of a self-check, a pure function of what was run.

use std::collections::BTreeSet;
use std::sync::Arc;

use conformance_engine::features::cases::Case;
use conformance_engine::run::outcome::{Outcome, ScenarioResult};

use super::exempt::{self, FROM_STANDING, KillsNothing};
use super::trials::Trial;

/// What was run of all that there is.
pub struct Selection<'a> {
    /// Only these components; none means all.
    pub components: &'a [String],
    /// Only these clauses; none means all.
    pub clauses: &'a [String],
    /// Whether every mutant of these was run.
    pub whole: bool,
}

/// A component and the name of a scenario that runs on it.
type Pair<'a> = (&'a str, &'a str);

/// Everything that is wrong, one sentence each.
pub fn findings(
    selection: &Selection<'_>,
    cases: &[Arc<Case>],
    trials: &[Trial],
    exempt: &[KillsNothing],
) -> Vec<String> {
    let mut findings: Vec<String> = trials.iter().flat_map(of_trial).collect();
    // Which scenarios kill no mutant shows only when all mutants of a clause were run.
    if selection.whole {
        findings.extend(unproved(selection, cases, trials, exempt));
        findings.extend(stale_exemptions(cases));
    }
    findings
}

fn of_trial(trial: &Trial) -> Vec<String> {
    let mutant = &trial.mutant;
    let id = &mutant.id;
    let mut findings: Vec<String> = trial
        .broken()
        .into_iter()
        .map(|result| {
            format!(
                "{id}: {:?} ended as {}, which judges nothing: {}",
                result.case.name,
                result.outcome.word(),
                cause(result)
            )
        })
        .collect();
    if trial.results.is_empty() {
        findings.push(format!("{id}: no scenario was run against it"));
    } else if mutant.is_plain() {
        findings.extend(trial.killers().into_iter().map(|result| {
            format!(
                "the plain reference fails {} {:?}: {}",
                result.case.clause,
                result.case.name,
                cause(result)
            )
        }));
    } else if mutant.is_standing() {
        let passed = trial.with(|outcome| *outcome == Outcome::Passed);
        let wrong = passed
            .into_iter()
            .filter(|result| !exempt::may_pass_on_standing(&result.case.name));
        findings.extend(wrong.map(|result| {
            format!(
                "{id} passes {} {:?} ({})",
                result.case.clause, result.case.name, mutant.wrong
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
    result.reason().unwrap_or_default()
}

/// Pairs that kill no mutant, and exemptions that are stale.
fn unproved(
    selection: &Selection<'_>,
    cases: &[Arc<Case>],
    trials: &[Trial],
    exempt: &[KillsNothing],
) -> Vec<String> {
    let kills = kills(trials);
    let exempt: BTreeSet<Pair<'_>> = exempt
        .iter()
        .map(|entry| (entry.component.as_str(), entry.scenario.as_str()))
        .collect();
    let is_selected = |case: &&Arc<Case>| {
        (selection.clauses.is_empty() || selection.clauses.contains(&case.clause))
            && (selection.components.is_empty() || selection.components.contains(&case.component))
    };
    let mut findings = Vec::new();
    for case in cases.iter().filter(is_selected) {
        let (component, name) = pair(case);
        match (
            kills.contains(&(component, name)),
            exempt.contains(&(component, name)),
        ) {
            (true, true) => findings.push(format!(
                "{component} {name:?} kills a mutant and is still exempt"
            )),
            (false, false) => findings.push(format!(
                "{} {name:?} ({}) kills no mutant of {component}",
                case.clause,
                case.location(),
            )),
            _ => {}
        }
    }
    let existing: BTreeSet<Pair<'_>> = cases.iter().map(|case| pair(case)).collect();
    let lost = exempt.difference(&existing);
    findings.extend(
        lost.map(|(component, name)| format!("the exempt {component} {name:?} is no scenario")),
    );
    findings
}

fn pair(case: &Case) -> Pair<'_> {
    (&case.component, &case.name)
}

/// Every pair that killed a mutant of its clause.
fn kills(trials: &[Trial]) -> BTreeSet<Pair<'_>> {
    let of_clauses = trials.iter().filter(|trial| trial.mutant.clause.is_some());
    let killers = of_clauses.flat_map(Trial::killers);
    killers.map(|result| pair(&result.case)).collect()
}

fn stale_exemptions(cases: &[Arc<Case>]) -> Vec<String> {
    FROM_STANDING
        .iter()
        .filter(|(prefix, _)| !cases.iter().any(|case| case.name.starts_with(prefix)))
        .map(|(prefix, _)| format!("the exemption of {prefix:?} names no scenario"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use conformance_engine::failure::Failure;
    use conformance_engine::run::outcome::Evidence;

    use super::super::Mutant;
    use super::*;

    fn case(component: &str, name: &str) -> Arc<Case> {
        Arc::new(Case {
            clause: "USR-3".to_owned(),
            title: String::new(),
            text: String::new(),
            component: component.to_owned(),
            name: name.to_owned(),
            feature: "email.feature".to_owned(),
            line: 7,
            tags: Vec::new(),
            steps: Vec::new(),
        })
    }

    fn trial(
        id: &str,
        clause: Option<&str>,
        plain: bool,
        results: &[(&Arc<Case>, Outcome)],
    ) -> Trial {
        let result = |(case, outcome): &(&Arc<Case>, Outcome)| ScenarioResult {
            case: Arc::clone(case),
            outcome: outcome.clone(),
            duration: Duration::ZERO,
            evidence: Some(Evidence::for_whole_scenario(
                case,
                Failure::broken("something"),
            )),
            steps: Vec::new(),
        };
        Trial {
            mutant: Mutant {
                id: id.to_owned(),
                component: "user-service".to_owned(),
                clause: clause.map(ToOwned::to_owned),
                wrong: "it is wrong".to_owned(),
                plain,
                generated: None,
            },
            results: results.iter().map(result).collect(),
        }
    }

    const ALL: Selection<'static> = Selection {
        components: &[],
        clauses: &[],
        whole: true,
    };

    /// The findings, without those of exemptions: the cases of a test are not the suite's.
    #[track_caller]
    fn check(
        selection: &Selection<'_>,
        cases: &[Arc<Case>],
        trials: &[Trial],
        exempt: &[&Arc<Case>],
        expected: &[&str],
    ) {
        let exempt: Vec<KillsNothing> = exempt
            .iter()
            .map(|case| KillsNothing {
                component: case.component.clone(),
                scenario: case.name.clone(),
                reason: "none".to_owned(),
            })
            .collect();
        let mut found = findings(selection, cases, trials, &exempt);
        found.retain(|finding| !finding.starts_with("the exemption of"));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_killed_mutant_and_a_reference_that_passes_are_no_findings() {
        let long = case("user-service", "long");
        let killed = trial("m", Some("USR-3"), false, &[(&long, Outcome::Failed)]);
        let plain = trial("plain", None, true, &[(&long, Outcome::Passed)]);
        let standing = trial("standing", None, false, &[(&long, Outcome::Failed)]);
        check(&ALL, &[long], &[killed, plain, standing], &[], &[]);
    }

    #[test]
    fn a_survivor_is_a_finding_and_so_is_its_scenario() {
        let long = case("user-service", "long");
        let survivor = trial("m", Some("USR-3"), false, &[(&long, Outcome::Passed)]);
        let expected = [
            "m survives every scenario of USR-3: it is wrong",
            "USR-3 \"long\" (email.feature:7) kills no mutant of user-service",
        ];
        check(&ALL, &[long], &[survivor], &[], &expected);
    }

    #[test]
    fn an_error_kills_nothing() {
        let long = case("user-service", "long");
        let broken = trial("m", Some("USR-3"), false, &[(&long, Outcome::Error)]);
        let expected = [
            "m: \"long\" ended as error, which judges nothing: something",
            "m survives every scenario of USR-3: it is wrong",
            "USR-3 \"long\" (email.feature:7) kills no mutant of user-service",
        ];
        check(&ALL, &[long], &[broken], &[], &expected);
    }

    #[test]
    fn a_mutant_of_one_component_proves_nothing_for_another() {
        let (here, there) = (case("user-service", "long"), case("gateway", "long"));
        let killed = trial("m", Some("USR-3"), false, &[(&here, Outcome::Failed)]);
        let expected = ["USR-3 \"long\" (email.feature:7) kills no mutant of gateway"];
        check(&ALL, &[here, there], &[killed], &[], &expected);
    }

    #[test]
    fn an_exemption_holds_until_its_scenario_kills_a_mutant() {
        let (here, there) = (case("user-service", "long"), case("gateway", "long"));
        let gone = case("gateway", "short");
        let cases = [here.clone(), there.clone()];
        let killed = || trial("m", Some("USR-3"), false, &[(&here, Outcome::Failed)]);
        check(&ALL, &cases, &[killed()], &[&there], &[]);
        let expected = [
            "user-service \"long\" kills a mutant and is still exempt",
            "the exempt gateway \"short\" is no scenario",
        ];
        check(
            &ALL,
            &cases,
            &[killed()],
            &[&there, &here, &gone],
            &expected,
        );
    }

    #[test]
    fn nothing_is_said_of_what_was_not_selected() {
        let (here, there) = (case("user-service", "long"), case("gateway", "long"));
        let cases = [here, there];
        let components = ["gateway".to_owned()];
        let one = Selection {
            components: &components,
            ..ALL
        };
        let expected = ["USR-3 \"long\" (email.feature:7) kills no mutant of gateway"];
        check(&one, &cases, &[], &[], &expected);
        let clauses = ["USR-4".to_owned()];
        let other = Selection {
            clauses: &clauses,
            ..ALL
        };
        check(&other, &cases, &[], &[], &[]);
        let part = Selection {
            whole: false,
            ..ALL
        };
        check(&part, &cases, &[], &[], &[]);
    }

    #[test]
    fn a_plain_reference_that_fails_and_a_standing_mutant_that_passes_are_findings() {
        let long = case("user-service", "long");
        let plain = trial("plain", None, true, &[(&long, Outcome::Failed)]);
        let standing = trial("standing", None, false, &[(&long, Outcome::Passed)]);
        let expected = [
            "the plain reference fails USR-3 \"long\": something",
            "standing passes USR-3 \"long\" (it is wrong)",
        ];
        let part = Selection {
            whole: false,
            ..ALL
        };
        check(&part, &[], &[plain, standing], &[], &expected);
    }

    #[test]
    fn a_mutant_without_scenarios_is_a_finding() {
        let part = Selection {
            whole: false,
            ..ALL
        };
        let nothing = trial("m", Some("USR-3"), false, &[]);
        check(
            &part,
            &[],
            &[nothing],
            &[],
            &["m: no scenario was run against it"],
        );
    }
}
