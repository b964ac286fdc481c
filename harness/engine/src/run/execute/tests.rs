//! Executes scenarios that pass, fail, break, hang and panic.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::convert::Infallible;

use cucumber::step::{Collection, Context};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use regex::Regex;

use super::*;
use crate::failure::Failure;
use crate::run::samples::{case, case_with_steps};
use crate::run::scenario::AfterScenario;

#[derive(Debug)]
struct World {
    name: String,
}

impl cucumber::World for World {
    type Error = Infallible;

    async fn new() -> Result<Self, Infallible> {
        Ok(Self {
            name: String::new(),
        })
    }
}

/// Counts concurrent scenarios and records their order.
#[derive(Default)]
struct Hooks {
    running: Cell<usize>,
    max_running: Cell<usize>,
    order: RefCell<Vec<String>>,
}

impl ScenarioHooks for Hooks {
    type World = World;

    async fn before(&self, context: ScenarioContext) -> Result<World, Failure> {
        self.order.borrow_mut().push(context.case.name.clone());
        self.running.set(self.running.get() + 1);
        self.max_running
            .set(self.max_running.get().max(self.running.get()));
        match context.case.name.as_str() {
            "without a world" => Err(Failure::unsupported("no world")),
            name => Ok(World {
                name: name.to_owned(),
            }),
        }
    }

    async fn after(&self, world: World, _passed: bool) -> AfterScenario {
        self.running.set(self.running.get() - 1);
        AfterScenario {
            logs: Vec::new(),
            traces: Vec::new(),
            broken: (world.name == "on a dead backend").then(|| "PostgreSQL died".to_owned()),
        }
    }
}

/// Panics with the failure's text, as the macros of cucumber do.
fn raise(failure: &Failure) {
    panic!("{failure}");
}

fn step(_: &mut World, context: Context) -> LocalBoxFuture<'_, ()> {
    async move {
        // Lets other scenarios run.
        tokio::task::yield_now().await;
        match context.step.value.as_str() {
            "it fails" => raise(&Failure::mismatch("one", "two")),
            "it breaks" => raise(&Failure::broken("a test double broke")),
            "it is not offered" => raise(&Failure::unsupported("no signals here")),
            "it panics" => panic!("index out of bounds"),
            "it hangs" => std::future::pending().await,
            _ => {}
        }
    }
    .boxed_local()
}

fn steps() -> Collection<World> {
    Collection::new().when(None, Regex::new("^it .*$").expect("a pattern"), step)
}

struct SilentWatcher;

impl Watcher for SilentWatcher {
    fn started(&self, _: &Case) {}
    fn finished(&self, _: &ScenarioResult) {}
}

fn plan(jobs: usize) -> Plan {
    Plan {
        jobs,
        seed: 7,
        patience: Patience::default(),
        fail_fast: false,
        rerun: "conformance run".to_owned(),
    }
}

async fn run(cases: Vec<Arc<Case>>, plan: &Plan) -> (Rc<Hooks>, Vec<ScenarioResult>) {
    scenario::silence_scenario_panics();
    let hooks = Rc::new(Hooks::default());
    let cancel = CancellationToken::new();
    let results = execute(hooks.clone(), steps(), cases, plan, &SilentWatcher, &cancel).await;
    (hooks, results)
}

fn passing(count: usize) -> Vec<Arc<Case>> {
    (0..count)
        .map(|number| case_with_steps(&format!("passes {number}"), &[], &["it passes"]))
        .collect()
}

#[tokio::test]
async fn all_slots_are_used_and_each_case_has_one_result() {
    let (hooks, results) = run(passing(20), &plan(4)).await;
    assert_eq!(hooks.max_running.get(), 4);
    let names: BTreeSet<_> = results
        .iter()
        .map(|result| result.case.name.clone())
        .collect();
    assert_eq!((results.len(), names.len()), (20, 20));
    assert!(
        results
            .iter()
            .all(|result| result.outcome == Outcome::Passed)
    );
}

#[tokio::test]
async fn the_order_depends_on_the_seed_only() {
    let (one, _) = run(passing(20), &plan(1)).await;
    let (same, _) = run(passing(20), &plan(1)).await;
    let other_plan = Plan { seed: 8, ..plan(1) };
    let (other, _) = run(passing(20), &other_plan).await;
    assert_eq!(one.order, same.order);
    assert_ne!(one.order, other.order);
}

#[tokio::test]
async fn cases_tagged_alone_run_last_and_one_at_a_time() {
    let mut cases = vec![
        case_with_steps("alone 1", &["alone"], &["it passes"]),
        case_with_steps("alone 2", &["alone"], &["it passes"]),
    ];
    cases.extend(passing(5));
    let (hooks, results) = run(cases, &plan(3)).await;
    assert_eq!(results.len(), 7);
    let order = hooks.order.borrow();
    assert!(
        order[5..].iter().all(|name| name.starts_with("alone")),
        "{order:?}"
    );
}

/// The result of one scenario with these steps.
async fn run_steps(name: &str, steps: &[&str]) -> ScenarioResult {
    let (_, mut results) = run(vec![case_with_steps(name, &[], steps)], &plan(1)).await;
    assert_eq!(results.len(), 1);
    results.remove(0)
}

#[tokio::test]
async fn the_kind_of_a_failure_is_kept_in_the_result() {
    let failed = run_steps("x", &["it passes", "it fails", "it breaks"]).await;
    assert_eq!(failed.outcome, Outcome::Failed);
    let evidence = failed.evidence.expect("evidence");
    assert_eq!(evidence.failure, Failure::mismatch("one", "two"));
    assert_eq!(
        (evidence.step.as_str(), evidence.line),
        ("When it fails", 5)
    );
    assert_eq!(failed.steps.len(), 2, "later steps are not run");

    let broken = run_steps("x", &["it breaks"]).await;
    assert_eq!(broken.outcome, Outcome::Error);
    assert_eq!(broken.reason().as_deref(), Some("a test double broke"));

    let refused = run_steps("x", &["it is not offered"]).await;
    assert!(
        matches!(
            refused.outcome,
            Outcome::NotRun {
                missing: crate::run::outcome::MissingKind::Control,
                ..
            }
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_panic_of_the_suite_is_an_error_with_its_source_location() {
    let result = run_steps("x", &["it panics"]).await;
    assert_eq!(result.outcome, Outcome::Error);
    let reason = result.reason().expect("a reason");
    assert!(reason.contains("index out of bounds"), "{reason}");
    assert!(reason.contains("tests.rs"), "{reason}");
}

#[tokio::test]
async fn a_scenario_without_a_step_or_with_an_unknown_one_is_an_error() {
    let (_, results) = run(vec![case("x", &[])], &plan(1)).await;
    assert_eq!(results[0].outcome, Outcome::Error);
    let unknown = run_steps("x", &["that matches nothing"]).await;
    assert_eq!(unknown.outcome, Outcome::Error);
}

#[tokio::test]
async fn a_world_that_cannot_be_created_ends_the_scenario_before_its_first_step() {
    let result = run_steps("without a world", &["it passes"]).await;
    assert!(
        matches!(result.outcome, Outcome::NotRun { .. }),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_scenario_with_a_dead_backend_is_an_error_whether_its_steps_passed_or_failed() {
    for step in ["it passes", "it fails"] {
        let result = run_steps("on a dead backend", &[step]).await;
        assert_eq!(result.outcome, Outcome::Error, "{step}");
        assert_eq!(result.reason().as_deref(), Some("PostgreSQL died"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_scenario_that_hangs_is_stopped_at_its_time_limit() {
    let result = run_steps("x", &["it hangs"]).await;
    assert_eq!(result.outcome, Outcome::Error);
    assert_eq!(result.duration, SCENARIO_LIMIT);
    let reason = result.reason().expect("a reason");
    assert!(reason.contains("time limit"), "{reason}");
}

#[tokio::test]
async fn with_fail_fast_later_cases_have_no_result() {
    let mut cases = passing(20);
    let failing = |number| case_with_steps(&format!("fails {number}"), &[], &["it fails"]);
    cases.extend((0..20).map(failing));
    let fail_fast = Plan {
        fail_fast: true,
        ..plan(2)
    };
    let (_, results) = run(cases, &fail_fast).await;
    let failed = results.iter().filter(|it| it.outcome == Outcome::Failed);
    assert_eq!(failed.count(), 1);
    assert!(results.len() < 40, "{}", results.len());
}

#[tokio::test]
async fn a_cancelled_run_starts_no_case() {
    let hooks = Rc::new(Hooks::default());
    let cancel = CancellationToken::new();
    cancel.cancel();
    let results = execute(
        hooks.clone(),
        steps(),
        passing(3),
        &plan(2),
        &SilentWatcher,
        &cancel,
    )
    .await;
    assert!(results.is_empty() && hooks.order.borrow().is_empty());
}

#[test]
fn the_rerun_command_quotes_the_scenario_name() {
    let case = case("Ada's (first) user", &[]);
    assert_eq!(
        rerun_command(&case, &plan(1)),
        r"conformance run --component shop --clause SHP-1 --name '^Ada'\''s \(first\) user$' --seed 7"
    );
}
