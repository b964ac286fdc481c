//! What no verdict and no exit status may ever say, over all runs; and examples to read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::manifest::ComponentCommand;

const COMPONENTS: [&str; 2] = ["shop", "till"];

/// One scenario of a run: whose, whether it needs a capability, and what came of it, if selected.
#[derive(Clone, Debug)]
struct Entry {
    component: &'static str,
    capability: bool,
    outcome: Option<Outcome>,
}

impl Entry {
    fn case(&self) -> Arc<Case> {
        let tags = if self.capability {
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
    let source = ComponentCommand {
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
            .map(|it| ((*it).to_owned(), source.clone()))
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

fn judged(entries: &[Entry], patience: f64) -> Vec<ComponentVerdict> {
    let deselected = entries.iter().filter(|it| it.outcome.is_none());
    let deselected: Vec<_> = deselected.map(Entry::case).collect();
    let patience = Patience::new(patience).expect("at least 1");
    judge(&manifest(), &results(entries), &deselected, patience)
}

/// The entries that a verdict speaks of.
fn part<'a>(entries: &'a [Entry], verdict: &ComponentVerdict) -> Vec<&'a Entry> {
    let core = verdict.profile == Profile::Core;
    entries
        .iter()
        .filter(|it| it.component == verdict.component && !(core && it.capability))
        .collect()
}

fn skipped() -> Outcome {
    Outcome::Skipped {
        reason: "capability tls is not declared".to_owned(),
    }
}

fn not_run(missing: MissingKind) -> Outcome {
    Outcome::NotRun {
        reason: "there is none".to_owned(),
        missing,
    }
}

fn known_deviation() -> Outcome {
    Outcome::KnownDeviation {
        reason: "ISSUE-12".to_owned(),
    }
}

/// Passes are frequent, or hardly any run would be conformant.
fn any_outcome() -> impl Strategy<Value = Option<Outcome>> {
    prop_oneof![
        12 => Just(Some(Outcome::Passed)),
        3 => Just(Some(skipped())),
        1 => less_than_a_pass(),
    ]
}

fn less_than_a_pass() -> impl Strategy<Value = Option<Outcome>> {
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
        .prop_map(|(component, capability, outcome)| Entry {
            component,
            capability,
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
    fn conformant_means_that_all_of_it_passed_or_was_skipped(run in any_run(), patience in any_patience()) {
        for verdict in judged(&run, patience) {
            let outcomes: Vec<_> = part(&run, &verdict).iter().map(|it| it.outcome.clone()).collect();
            let allowed = |it: &Option<Outcome>| matches!(it, Some(Outcome::Passed | Outcome::Skipped { .. }));
            let earned = outcomes.iter().all(allowed)
                && outcomes.contains(&Some(Outcome::Passed))
                && patience <= 5.0;
            prop_assert_eq!(verdict.verdict == Verdict::Conformant, earned);
        }
    }

    #[test]
    fn whatever_is_less_than_a_pass_never_improves_a_verdict(
        run in any_run(),
        more in entry(less_than_a_pass()),
        patience in any_patience(),
    ) {
        let before = judged(&run, patience);
        let mut longer = run;
        longer.push(more);
        for (before, after) in before.iter().zip(judged(&longer, patience)) {
            prop_assert!(after.verdict >= before.verdict, "{before:?} became {after:?}");
        }
    }

    #[test]
    fn more_patience_never_improves_a_verdict(run in any_run(), less in any_patience(), more in any_patience()) {
        let (less, more) = if less <= more { (less, more) } else { (more, less) };
        for (before, after) in judged(&run, less).iter().zip(judged(&run, more)) {
            prop_assert!(after.verdict >= before.verdict);
        }
    }

    #[test]
    fn the_order_does_not_matter(
        (run, shuffled) in any_run().prop_flat_map(|run| (Just(run.clone()), Just(run).prop_shuffle())),
        interrupted: bool,
        allow_missing: bool,
    ) {
        prop_assert_eq!(judged(&run, 1.0), judged(&shuffled, 1.0));
        prop_assert_eq!(
            Ending::of(&results(&run), interrupted, allow_missing),
            Ending::of(&results(&shuffled), interrupted, allow_missing)
        );
    }

    #[test]
    fn there_is_a_core_and_a_full_verdict_for_every_component(run in any_run()) {
        let all: Vec<_> = judged(&run, 1.0).into_iter().map(|it| (it.component, it.profile)).collect();
        let expected = COMPONENTS.iter().flat_map(|it| Profile::ALL.map(|profile| ((*it).to_owned(), profile)));
        prop_assert_eq!(all, expected.collect::<Vec<_>>());
    }

    #[test]
    fn the_full_verdict_is_never_better_than_the_core_unless_the_core_passed_nothing(run in any_run()) {
        for pair in judged(&run, 1.0).chunks(2) {
            let [core, full] = pair else { unreachable!("two profiles each") };
            prop_assert!(full.verdict >= core.verdict || core.tally.passed == 0);
        }
    }

    #[test]
    fn a_tally_counts_every_scenario_once(run in any_run()) {
        for verdict in judged(&run, 1.0) {
            let Tally { passed, failed, skipped, not_run, known_deviations, errors } = verdict.tally;
            let counted = passed + failed + skipped + not_run + known_deviations + errors;
            prop_assert_eq!(counted + verdict.deselected, part(&run, &verdict).len());
        }
    }

    #[test]
    fn exit_status_0_means_that_something_ran_and_nothing_failed(run in any_run(), allow_missing: bool) {
        let outcomes: Vec<_> = run.iter().filter_map(|it| it.outcome.clone()).collect();
        let good = Ending::of(&results(&run), false, allow_missing).exit_code() == 0;
        let executed = |it: &Outcome| matches!(it, Outcome::Passed | Outcome::KnownDeviation { .. });
        let bad = |it: &Outcome| match it {
            Outcome::Failed | Outcome::Error => true,
            Outcome::NotRun { missing, .. } => *missing == MissingKind::Backend && !allow_missing,
            _ => false,
        };
        prop_assert_eq!(good, outcomes.iter().any(executed) && !outcomes.iter().any(bad));
    }

    #[test]
    fn exit_status_1_means_that_a_scenario_failed(run in any_run(), allow_missing: bool) {
        let failed = run.iter().any(|it| it.outcome == Some(Outcome::Failed));
        prop_assert_eq!(Ending::of(&results(&run), false, allow_missing).exit_code() == 1, failed);
    }

    #[test]
    fn an_interrupted_run_exits_130_whatever_it_found(run in any_run(), allow_missing: bool) {
        prop_assert_eq!(Ending::of(&results(&run), true, allow_missing).exit_code(), 130);
    }

    #[test]
    fn when_all_is_conformant_the_exit_status_is_0(
        run in prop::collection::vec(entry(prop_oneof![6 => Just(Some(Outcome::Passed)), 1 => any_outcome()]), 0..12),
        allow_missing: bool,
    ) {
        if judged(&run, 1.0).iter().all(|it| it.verdict == Verdict::Conformant) {
            prop_assert_eq!(Ending::of(&results(&run), false, allow_missing), Ending::Good);
        }
    }
}

/// The core verdict of `shop` for these outcomes.
#[track_caller]
fn check(outcomes: &[Option<Outcome>], patience: f64, expected: Verdict) {
    let entry = |outcome: &Option<Outcome>| Entry {
        component: "shop",
        capability: false,
        outcome: outcome.clone(),
    };
    let run: Vec<_> = outcomes.iter().map(entry).collect();
    assert_eq!(judged(&run, patience)[0].verdict, expected, "{outcomes:?}");
}

#[test]
fn a_failure_outranks_an_error_and_an_error_outranks_a_gap() {
    let passed = Some(Outcome::Passed);
    check(
        &[
            passed.clone(),
            None,
            Some(Outcome::Error),
            Some(Outcome::Failed),
        ],
        1.0,
        Verdict::NotConformant,
    );
    check(
        &[passed.clone(), None, Some(Outcome::Error)],
        1.0,
        Verdict::Unknown,
    );
    check(&[passed.clone(), None], 1.0, Verdict::Partial);
    check(&[passed], 1.0, Verdict::Conformant);
}

#[test]
fn a_skip_is_never_a_pass() {
    check(&[Some(skipped())], 1.0, Verdict::Partial);
    check(
        &[Some(skipped()), Some(Outcome::Passed)],
        1.0,
        Verdict::Conformant,
    );
}

#[test]
fn no_scenario_at_all_is_partial() {
    check(&[], 1.0, Verdict::Partial);
}

#[test]
fn a_known_deviation_or_a_scenario_that_was_not_run_is_partial() {
    check(
        &[Some(Outcome::Passed), Some(known_deviation())],
        1.0,
        Verdict::Partial,
    );
    check(
        &[Some(Outcome::Passed), Some(not_run(MissingKind::Control))],
        1.0,
        Verdict::Partial,
    );
}

#[test]
fn too_much_patience_proves_nothing() {
    check(
        &[Some(Outcome::Passed)],
        Patience::MAX_CONFORMANT,
        Verdict::Conformant,
    );
    check(&[Some(Outcome::Passed)], 5.1, Verdict::Partial);
}

#[test]
fn a_capability_that_fails_leaves_the_core_conformant() {
    let entry = |capability, outcome| Entry {
        component: "shop",
        capability,
        outcome: Some(outcome),
    };
    let run = [entry(false, Outcome::Passed), entry(true, Outcome::Failed)];
    let verdicts: Vec<_> = judged(&run, 1.0).iter().map(|it| it.verdict).collect();
    let expected = [
        Verdict::Conformant,
        Verdict::NotConformant,
        Verdict::Partial,
        Verdict::Partial,
    ];
    assert_eq!(verdicts, expected, "shop core and full, till core and full");
}

/// The ending of a run with these outcomes.
#[track_caller]
fn ends(outcomes: &[Outcome], allow_missing: bool, expected: Ending) {
    let entry = |outcome: &Outcome| Entry {
        component: "shop",
        capability: false,
        outcome: Some(outcome.clone()),
    };
    let run: Vec<_> = outcomes.iter().map(entry).collect();
    assert_eq!(Ending::of(&results(&run), false, allow_missing), expected);
}

#[test]
fn a_missing_backend_is_a_fault_unless_accepted_and_never_all_there_is() {
    let missing = not_run(MissingKind::Backend);
    ends(
        &[Outcome::Passed, missing.clone()],
        false,
        Ending::Missing(1),
    );
    ends(&[Outcome::Passed, missing.clone()], true, Ending::Good);
    ends(&[missing], true, Ending::Nothing);
}

#[test]
fn a_failure_decides_before_an_error_and_an_error_before_a_missing_backend() {
    let missing = not_run(MissingKind::Backend);
    ends(
        &[missing.clone(), Outcome::Error, Outcome::Failed],
        false,
        Ending::Failed,
    );
    ends(&[missing, Outcome::Error], false, Ending::Error);
}

#[test]
fn what_the_kind_of_subject_cannot_do_is_no_fault() {
    ends(
        &[Outcome::Passed, not_run(MissingKind::Control)],
        false,
        Ending::Good,
    );
    ends(&[not_run(MissingKind::Control)], false, Ending::Nothing);
    ends(&[skipped()], false, Ending::Nothing);
}
