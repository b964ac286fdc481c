//! Properties of verdicts and exit statuses over generated runs, and examples.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::manifest::ComponentCommand;

const COMPONENTS: [&str; 2] = ["shop", "till"];

/// One scenario of a generated run.
#[derive(Clone, Debug)]
struct Entry {
    component: &'static str,
    needs_capability: bool,
    /// `None` if the scenario was not selected.
    outcome: Option<Outcome>,
}

impl Entry {
    fn case(&self) -> Arc<Case> {
        let tags = if self.needs_capability {
            vec!["cap:tls".to_owned()]
        } else {
            Vec::new()
        };
        Arc::new(Case {
            clause: "SHP-1".to_owned(),
            title: String::new(),
            text: String::new(),
            component: self.component.to_owned(),
            name: "a scenario".to_owned(),
            feature: "shop.feature".to_owned(),
            line: 1,
            tags,
            steps: Vec::new(),
        })
    }
}

fn manifest() -> Manifest {
    let command = ComponentCommand {
        command: vec!["program".to_owned()],
        env: BTreeMap::new(),
        inherit: Vec::new(),
    };
    Manifest {
        folder: PathBuf::new(),
        name: "tested".to_owned(),
        version: "1".to_owned(),
        capabilities: Vec::new(),
        build: None,
        components: COMPONENTS
            .iter()
            .map(|name| ((*name).to_owned(), command.clone()))
            .collect(),
        known_deviations: Vec::new(),
    }
}

fn results(entries: &[Entry]) -> Vec<ScenarioResult> {
    let result = |entry: &Entry| {
        Some(ScenarioResult {
            case: entry.case(),
            outcome: entry.outcome.clone()?,
            duration: Duration::ZERO,
            evidence: None,
            steps: Vec::new(),
        })
    };
    entries.iter().filter_map(result).collect()
}

fn judge_entries(entries: &[Entry], patience: f64) -> Vec<ComponentVerdict> {
    let deselected = entries.iter().filter(|entry| entry.outcome.is_none());
    let deselected: Vec<_> = deselected.map(Entry::case).collect();
    let patience = Patience::new(patience).expect("at least 1");
    judge(&manifest(), &results(entries), &deselected, patience)
}

/// The entries that a verdict covers.
fn covered_by<'a>(entries: &'a [Entry], verdict: &ComponentVerdict) -> Vec<&'a Entry> {
    let core = verdict.profile == Profile::Core;
    entries
        .iter()
        .filter(|entry| entry.component == verdict.component && !(core && entry.needs_capability))
        .collect()
}

fn skipped() -> Outcome {
    Outcome::Skipped {
        reason: "capability tls is not declared".to_owned(),
    }
}

fn not_run(missing: MissingKind) -> Outcome {
    Outcome::NotRun {
        reason: "it is missing".to_owned(),
        missing,
    }
}

fn known_deviation() -> Outcome {
    Outcome::KnownDeviation {
        reason: "ISSUE-12".to_owned(),
    }
}

/// Passes are frequent, because otherwise hardly any run would be conformant.
fn any_outcome() -> impl Strategy<Value = Option<Outcome>> {
    prop_oneof![
        12 => Just(Some(Outcome::Passed)),
        3 => Just(Some(skipped())),
        1 => any_outcome_except_a_pass(),
    ]
}

fn any_outcome_except_a_pass() -> impl Strategy<Value = Option<Outcome>> {
    prop_oneof![
        Just(Some(skipped())),
        Just(Some(Outcome::Failed)),
        Just(Some(Outcome::Error)),
        Just(Some(not_run(MissingKind::Backend))),
        Just(Some(not_run(MissingKind::Control))),
        Just(Some(known_deviation())),
        Just(None),
    ]
}

fn entry(outcome: impl Strategy<Value = Option<Outcome>>) -> impl Strategy<Value = Entry> {
    (
        prop::sample::select(&COMPONENTS[..]),
        any::<bool>(),
        outcome,
    )
        .prop_map(|(component, needs_capability, outcome)| Entry {
            component,
            needs_capability,
            outcome,
        })
}

fn any_run() -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::vec(entry(any_outcome()), 0..20)
}

fn any_patience() -> impl Strategy<Value = f64> {
    prop_oneof![3 => Just(1.0), 1 => 1.0..=100.0]
}

proptest! {
    #[test]
    fn a_verdict_is_conformant_exactly_if_all_scenarios_passed_or_were_skipped(run in any_run(), patience in any_patience()) {
        for verdict in judge_entries(&run, patience) {
            let entries = covered_by(&run, &verdict);
            let outcomes: Vec<_> = entries.iter().map(|entry| entry.outcome.clone()).collect();
            let is_allowed = |outcome: &Option<Outcome>| {
                matches!(outcome, Some(Outcome::Passed | Outcome::Skipped { .. }))
            };
            let expected = outcomes.iter().all(is_allowed)
                && outcomes.contains(&Some(Outcome::Passed))
                && patience <= 5.0;
            prop_assert_eq!(verdict.verdict == Verdict::Conformant, expected);
        }
    }

    #[test]
    fn an_outcome_except_a_pass_never_improves_a_verdict(
        run in any_run(),
        more in entry(any_outcome_except_a_pass()),
        patience in any_patience(),
    ) {
        let before = judge_entries(&run, patience);
        let mut longer = run;
        longer.push(more);
        for (before, after) in before.iter().zip(judge_entries(&longer, patience)) {
            prop_assert!(after.verdict >= before.verdict, "{before:?} changed to {after:?}");
        }
    }

    #[test]
    fn more_patience_never_improves_a_verdict(run in any_run(), less in any_patience(), more in any_patience()) {
        let (less, more) = if less <= more { (less, more) } else { (more, less) };
        for (before, after) in judge_entries(&run, less).iter().zip(judge_entries(&run, more)) {
            prop_assert!(after.verdict >= before.verdict);
        }
    }

    #[test]
    fn verdicts_and_ending_do_not_depend_on_the_order(
        (run, shuffled) in any_run().prop_flat_map(|run| (Just(run.clone()), Just(run).prop_shuffle())),
        interrupted: bool,
        allow_missing: bool,
    ) {
        prop_assert_eq!(judge_entries(&run, 1.0), judge_entries(&shuffled, 1.0));
        prop_assert_eq!(
            Ending::from_results(&results(&run), interrupted, allow_missing),
            Ending::from_results(&results(&shuffled), interrupted, allow_missing)
        );
    }

    #[test]
    fn there_is_a_core_and_a_full_verdict_for_every_component(run in any_run()) {
        let verdicts = judge_entries(&run, 1.0).into_iter();
        let all: Vec<_> = verdicts.map(|verdict| (verdict.component, verdict.profile)).collect();
        let expected = COMPONENTS
            .iter()
            .flat_map(|name| Profile::ALL.map(|profile| ((*name).to_owned(), profile)));
        prop_assert_eq!(all, expected.collect::<Vec<_>>());
    }

    #[test]
    fn the_full_verdict_is_never_better_than_the_core_one_unless_no_core_scenario_passed(run in any_run()) {
        for pair in judge_entries(&run, 1.0).chunks(2) {
            let [core, full] = pair else { unreachable!("two profiles each") };
            prop_assert!(full.verdict >= core.verdict || core.tally.passed == 0);
        }
    }

    #[test]
    fn a_tally_counts_every_scenario_once(run in any_run()) {
        for verdict in judge_entries(&run, 1.0) {
            let Tally { passed, failed, skipped, not_run, known_deviations, errors } = verdict.tally;
            let counted = passed + failed + skipped + not_run + known_deviations + errors;
            prop_assert_eq!(counted + verdict.deselected, covered_by(&run, &verdict).len());
        }
    }

    #[test]
    fn the_exit_status_is_0_exactly_if_a_scenario_was_executed_and_none_failed(run in any_run(), allow_missing: bool) {
        let outcomes: Vec<_> = run.iter().filter_map(|entry| entry.outcome.clone()).collect();
        let is_success = Ending::from_results(&results(&run), false, allow_missing).exit_code() == 0;
        let is_executed = |outcome: &Outcome| {
            matches!(outcome, Outcome::Passed | Outcome::KnownDeviation { .. })
        };
        let is_fault = |outcome: &Outcome| match outcome {
            Outcome::Failed | Outcome::Error => true,
            Outcome::NotRun { missing, .. } => *missing == MissingKind::Backend && !allow_missing,
            _ => false,
        };
        let expected = outcomes.iter().any(is_executed) && !outcomes.iter().any(is_fault);
        prop_assert_eq!(is_success, expected);
    }

    #[test]
    fn the_exit_status_is_1_exactly_if_a_scenario_failed(run in any_run(), allow_missing: bool) {
        let failed = run.iter().any(|entry| entry.outcome == Some(Outcome::Failed));
        prop_assert_eq!(Ending::from_results(&results(&run), false, allow_missing).exit_code() == 1, failed);
    }

    #[test]
    fn the_exit_status_of_an_interrupted_run_is_always_130(run in any_run(), allow_missing: bool) {
        prop_assert_eq!(Ending::from_results(&results(&run), true, allow_missing).exit_code(), 130);
    }

    #[test]
    fn the_exit_status_is_0_if_all_verdicts_are_conformant(
        run in prop::collection::vec(entry(prop_oneof![6 => Just(Some(Outcome::Passed)), 1 => any_outcome()]), 0..12),
        allow_missing: bool,
    ) {
        let verdicts = judge_entries(&run, 1.0);
        if verdicts.iter().all(|verdict| verdict.verdict == Verdict::Conformant) {
            prop_assert_eq!(Ending::from_results(&results(&run), false, allow_missing), Ending::Success);
        }
    }
}

/// Checks the core verdict on `shop` for these outcomes.
#[track_caller]
fn check_verdict(outcomes: &[Option<Outcome>], patience: f64, expected: Verdict) {
    let entry = |outcome: &Option<Outcome>| Entry {
        component: "shop",
        needs_capability: false,
        outcome: outcome.clone(),
    };
    let run: Vec<_> = outcomes.iter().map(entry).collect();
    assert_eq!(
        judge_entries(&run, patience)[0].verdict,
        expected,
        "{outcomes:?}"
    );
}

#[test]
fn a_failure_outranks_an_error_and_an_error_outranks_a_deselected_scenario() {
    let passed = Some(Outcome::Passed);
    check_verdict(
        &[
            passed.clone(),
            None,
            Some(Outcome::Error),
            Some(Outcome::Failed),
        ],
        1.0,
        Verdict::NotConformant,
    );
    check_verdict(
        &[passed.clone(), None, Some(Outcome::Error)],
        1.0,
        Verdict::Unknown,
    );
    check_verdict(&[passed.clone(), None], 1.0, Verdict::Partial);
    check_verdict(&[passed], 1.0, Verdict::Conformant);
}

#[test]
fn a_skip_does_not_count_as_a_pass() {
    check_verdict(&[Some(skipped())], 1.0, Verdict::Partial);
    check_verdict(
        &[Some(skipped()), Some(Outcome::Passed)],
        1.0,
        Verdict::Conformant,
    );
}

#[test]
fn the_verdict_without_a_scenario_is_partial() {
    check_verdict(&[], 1.0, Verdict::Partial);
}

#[test]
fn the_verdict_with_a_known_deviation_or_a_scenario_that_was_not_run_is_partial() {
    check_verdict(
        &[Some(Outcome::Passed), Some(known_deviation())],
        1.0,
        Verdict::Partial,
    );
    check_verdict(
        &[Some(Outcome::Passed), Some(not_run(MissingKind::Control))],
        1.0,
        Verdict::Partial,
    );
}

#[test]
fn the_verdict_with_too_much_patience_is_partial() {
    check_verdict(
        &[Some(Outcome::Passed)],
        Patience::MAX_CONFORMANT,
        Verdict::Conformant,
    );
    check_verdict(&[Some(Outcome::Passed)], 5.1, Verdict::Partial);
}

#[test]
fn a_failure_of_a_capability_does_not_affect_the_core_verdict() {
    let entry = |needs_capability, outcome| Entry {
        component: "shop",
        needs_capability,
        outcome: Some(outcome),
    };
    let run = [entry(false, Outcome::Passed), entry(true, Outcome::Failed)];
    let verdicts = judge_entries(&run, 1.0);
    let verdicts: Vec<_> = verdicts.iter().map(|verdict| verdict.verdict).collect();
    let expected = [
        Verdict::Conformant,
        Verdict::NotConformant,
        Verdict::Partial,
        Verdict::Partial,
    ];
    assert_eq!(verdicts, expected, "shop core and full, till core and full");
}

/// Checks how a run with these outcomes ended.
#[track_caller]
fn check_ending(outcomes: &[Outcome], allow_missing: bool, expected: Ending) {
    let entry = |outcome: &Outcome| Entry {
        component: "shop",
        needs_capability: false,
        outcome: Some(outcome.clone()),
    };
    let run: Vec<_> = outcomes.iter().map(entry).collect();
    assert_eq!(
        Ending::from_results(&results(&run), false, allow_missing),
        expected
    );
}

#[test]
fn a_missing_backend_is_an_error_unless_accepted_and_another_scenario_was_executed() {
    let missing = not_run(MissingKind::Backend);
    check_ending(
        &[Outcome::Passed, missing.clone()],
        false,
        Ending::MissingBackend(1),
    );
    check_ending(&[Outcome::Passed, missing.clone()], true, Ending::Success);
    check_ending(&[missing], true, Ending::NoneExecuted);
}

#[test]
fn a_failure_outranks_an_error_and_an_error_outranks_a_missing_backend() {
    let missing = not_run(MissingKind::Backend);
    check_ending(
        &[missing.clone(), Outcome::Error, Outcome::Failed],
        false,
        Ending::Failed,
    );
    check_ending(&[missing, Outcome::Error], false, Ending::Error);
}

#[test]
fn a_missing_control_is_not_an_error() {
    check_ending(
        &[Outcome::Passed, not_run(MissingKind::Control)],
        false,
        Ending::Success,
    );
    check_ending(
        &[not_run(MissingKind::Control)],
        false,
        Ending::NoneExecuted,
    );
    check_ending(&[skipped()], false, Ending::NoneExecuted);
}
