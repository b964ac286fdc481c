//! Components that do not start at all: one failure with the cause, instead of hundreds.

use std::sync::Arc;

use conformance_engine::failure::Failure;
use conformance_engine::features::cases::Case;
use conformance_engine::run::execute::{Plan, rerun_command};
use conformance_engine::run::outcome::{Evidence, MissingKind, Outcome, ScenarioResult};

/// The clause about a start: a program is ready within 10 s.
const CLAUSE: &str = "CFG-6";

/// One failed scenario that shows why the component does not start; the others are not run, for that reason.
///
/// The one is a scenario of CFG-6 where one is among them.
pub(super) fn results(
    mut cases: Vec<Arc<Case>>,
    failure: &Failure,
    plan: &Plan,
) -> Vec<ScenarioResult> {
    let of_start = cases.iter().position(|it| it.clause == CLAUSE).unwrap_or(0);
    if cases.is_empty() {
        return Vec::new();
    }
    let failed = cases.remove(of_start);
    let reason = format!(
        "the {} does not start; see {} {:?}",
        failed.component, failed.clause, failed.name
    );
    let failure = failure.clone().detail(format!(
        "{} other scenarios of the {} were not run: each would fail for this reason. Start the program by hand with the \
         contract's environment variables, and see why it does not become ready",
        cases.len(),
        failed.component
    ));
    let mut evidence = Evidence::for_whole_scenario(&failed, failure);
    evidence.rerun = rerun_command(&failed, plan);
    let first = ScenarioResult::without_steps(failed, Outcome::Failed, Some(evidence));
    let others = cases.into_iter().map(|case| {
        let outcome = Outcome::NotRun {
            reason: reason.clone(),
            missing: MissingKind::Start,
        };
        ScenarioResult::without_steps(case, outcome, None)
    });
    std::iter::once(first).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use conformance_engine::observe::Patience;

    fn case(clause: &str) -> Arc<Case> {
        Arc::new(Case {
            clause: clause.to_owned(),
            title: String::new(),
            text: String::new(),
            component: "gateway".to_owned(),
            name: format!("Something of {clause}"),
            feature: "a.feature".to_owned(),
            line: 1,
            tags: Vec::new(),
            steps: Vec::new(),
        })
    }

    fn check(clauses: &[&str], failed: Option<&str>) {
        let plan = Plan {
            jobs: 1,
            seed: 1,
            patience: Patience::new(1.0).expect("a factor"),
            fail_fast: false,
            rerun: "conformance run".to_owned(),
        };
        let cases = clauses.iter().map(|it| case(it)).collect();
        let results = results(cases, &Failure::mismatch("ready", "exit status 1"), &plan);
        assert_eq!(results.len(), clauses.len());
        let failures: Vec<_> = results
            .iter()
            .filter(|it| it.outcome == Outcome::Failed)
            .map(|it| it.case.clause.as_str())
            .collect();
        assert_eq!(failures, failed.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn the_scenario_about_the_start_fails_and_the_others_are_not_run() {
        check(&["CFG-1", "CFG-6", "USR-1"], Some("CFG-6"));
    }

    #[test]
    fn without_such_a_scenario_the_first_one_fails() {
        check(&["USR-1", "USR-2"], Some("USR-1"));
    }

    #[test]
    fn nothing_selected_gives_no_result() {
        check(&[], None);
    }
}
