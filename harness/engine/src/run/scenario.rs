//! Runs one case, step by step, and collects evidence if it does not pass.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cucumber::step;
use futures::FutureExt as _;
use gherkin::Step;

use crate::failure::Failure;
use crate::features::cases::Case;
use crate::observe::{Journal, Patience};
use crate::run::outcome::{
    Evidence, LogExcerpt, MissingKind, Outcome, ScenarioResult, TraceExcerpt,
};
use crate::sandbox::exhaustion;

/// What the engine passes to a scenario.
#[derive(Clone, Debug)]
pub struct ScenarioContext {
    /// The case that is run.
    pub case: Arc<Case>,
    /// The scenario's id, unique within the run; all its requests contain it.
    pub id: String,
    /// Records events for the evidence.
    pub journal: Journal,
    /// The allowance of this machine on the contract's limits.
    pub patience: Patience,
    /// The run's seed, from which inputs are generated.
    pub seed: u64,
}

/// Hooks of a platform's suite around each scenario.
pub trait ScenarioHooks {
    /// The state of one scenario.
    type World: cucumber::World + std::fmt::Debug + 'static;

    /// Creates the world of a scenario.
    fn before(
        &self,
        context: ScenarioContext,
    ) -> impl Future<Output = Result<Self::World, Failure>>;

    /// Stops what the world owns; returns logs for the evidence unless the scenario passed.
    fn after(&self, world: Self::World, passed: bool) -> impl Future<Output = AfterScenario>;
}

/// The result of [`ScenarioHooks::after`].
#[derive(Debug, Default)]
pub struct AfterScenario {
    /// Log lines that belong to the scenario.
    pub logs: Vec<LogExcerpt>,
    /// Traces that belong to the scenario.
    pub traces: Vec<TraceExcerpt>,
    /// Why the suite cannot judge the scenario, such as a backend that died.
    pub broken: Option<String>,
}

/// A step, or [`ScenarioHooks::before`], that failed.
struct FailedStep {
    step: String,
    line: usize,
    failure: Failure,
}

/// Runs a case with its hooks.
pub async fn run<S: ScenarioHooks>(
    hooks: &S,
    steps: &step::Collection<S::World>,
    context: ScenarioContext,
    rerun: String,
) -> ScenarioResult {
    let started = Instant::now();
    let mut timings = Vec::new();
    let (failed, after) = match catch_panic(hooks.before(context.clone()))
        .await
        .and_then(|world| world)
    {
        Err(failure) => {
            let step = "before the first step".to_owned();
            let line = context.case.line;
            (
                Some(FailedStep {
                    step,
                    line,
                    failure,
                }),
                AfterScenario::default(),
            )
        }
        Ok(mut world) => {
            let failed = run_steps(steps, &context, &mut world, &mut timings).await;
            let after = catch_panic(hooks.after(world, failed.is_none()))
                .await
                .unwrap_or_else(|failure| AfterScenario {
                    broken: Some(format!("the clean-up of the scenario failed: {failure}")),
                    ..AfterScenario::default()
                });
            (failed, after)
        }
    };
    let shortage = exhaustion::recorded_since(started);
    let (failed, after) = account_for(shortage.as_deref(), failed, after);
    let (outcome, evidence) = conclude(&context, failed, after, rerun);
    ScenarioResult {
        case: context.case,
        outcome,
        duration: started.elapsed(),
        evidence,
        steps: timings,
    }
}

/// Turns a mismatch, or success, into an error if a resource of the suite was exhausted meanwhile: a connection that
/// the suite could not open looks like one that the subject refused, which some checks expect.
fn account_for(
    shortage: Option<&str>,
    failed: Option<FailedStep>,
    after: AfterScenario,
) -> (Option<FailedStep>, AfterScenario) {
    let Some(message) = shortage.map(exhaustion::message) else {
        return (failed, after);
    };
    let Some(step) = failed else {
        let broken = after.broken.or(Some(message));
        return (None, AfterScenario { broken, ..after });
    };
    let failure = match step.failure {
        mismatch @ Failure::Mismatch { .. } => Failure::broken(format!(
            "{message}; the step observed: {}",
            mismatch.first_line()
        )),
        other => other,
    };
    (Some(FailedStep { failure, ..step }), after)
}

/// Runs the steps in order, until one fails.
async fn run_steps<W: cucumber::World>(
    steps: &step::Collection<W>,
    context: &ScenarioContext,
    world: &mut W,
    timings: &mut Vec<(String, Duration)>,
) -> Option<FailedStep> {
    if context.case.steps.is_empty() {
        return Some(FailedStep {
            step: "the whole scenario".to_owned(),
            line: context.case.line,
            failure: Failure::broken("the scenario has no step, so it checks nothing"),
        });
    }
    for step in &context.case.steps {
        let started = Instant::now();
        let result = run_step(steps, step, world).await;
        let text = format!("{} {}", step.keyword.trim(), step.value);
        timings.push((text.clone(), started.elapsed()));
        if let Err(failure) = result {
            return Some(FailedStep {
                step: text,
                line: step.position.line,
                failure,
            });
        }
    }
    None
}

async fn run_step<W: cucumber::World>(
    steps: &step::Collection<W>,
    step: &Step,
    world: &mut W,
) -> Result<(), Failure> {
    match steps.find(step) {
        Ok(Some((function, _, _, cx))) => catch_panic(function(world, cx)).await,
        Ok(None) => Err(Failure::broken(format!(
            "no step definition matches {:?}; `conformance lint` lists such steps",
            step.value
        ))),
        Err(ambiguous) => Err(Failure::broken(format!(
            "more than one step definition matches {:?}: {ambiguous}",
            step.value
        ))),
    }
}

thread_local! {
    /// Source location of the last panic in a scenario on this thread.
    static PANICKED_AT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Installs a panic hook that records the location of panics in scenarios instead of printing them. Failures of
/// steps arrive as panics, and are reported by the code that catches them.
pub fn silence_scenario_panics() {
    let previous_hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if IN_SCENARIO.with(Cell::get) {
            let place = info.location().map(ToString::to_string);
            PANICKED_AT.with(|location| *location.borrow_mut() = place);
        } else {
            previous_hook(info);
        }
    }));
}

thread_local! {
    /// Whether this thread is currently polling a scenario.
    static IN_SCENARIO: Cell<bool> = const { Cell::new(false) };
}

/// Converts a panic of the future into a failure: the step's failure if it caused the panic, otherwise
/// [`Failure::Broken`].
async fn catch_panic<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let mut future = std::pin::pin!(AssertUnwindSafe(future).catch_unwind());
    let caught = std::future::poll_fn(|cx| {
        IN_SCENARIO.with(|flag| flag.set(true));
        let polled = future.as_mut().poll(cx);
        IN_SCENARIO.with(|flag| flag.set(false));
        polled
    })
    .await;
    caught.map_err(|payload| {
        let text = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("a panic without a message");
        Failure::from_panic(text).unwrap_or_else(|| {
            let place = PANICKED_AT.with(|location| location.borrow_mut().take());
            Failure::broken(format!(
                "a panic in the suite at {}: {text}",
                place.as_deref().unwrap_or("an unknown location")
            ))
        })
    })
}

/// Outcome and evidence of a scenario that has ended.
fn conclude(
    context: &ScenarioContext,
    failed: Option<FailedStep>,
    after: AfterScenario,
    rerun: String,
) -> (Outcome, Option<Evidence>) {
    let (step, line, failure) = match (failed, &after.broken) {
        (None, None) => return (Outcome::Passed, None),
        (None, Some(cause)) => (
            "after the last step".to_owned(),
            context.case.line,
            Failure::broken(cause),
        ),
        // A failure while a backend was dead proves nothing about the subject.
        (Some(failed), Some(cause)) => (failed.step, failed.line, Failure::broken(cause)),
        (Some(failed), None) => (failed.step, failed.line, failed.failure),
    };
    let outcome = match &failure {
        Failure::Mismatch { .. } => Outcome::Failed,
        Failure::Broken { .. } => Outcome::Error,
        Failure::Missing { reason } => Outcome::NotRun {
            reason: reason.clone(),
            missing: MissingKind::Backend,
        },
        Failure::Unsupported { reason } => Outcome::NotRun {
            reason: reason.clone(),
            missing: MissingKind::Control,
        },
    };
    let needs_evidence = matches!(outcome, Outcome::Failed | Outcome::Error);
    let evidence = needs_evidence.then(|| Evidence {
        step,
        line,
        failure,
        timeline: context.journal.events(),
        logs: after.logs,
        traces: after.traces,
        rerun,
    });
    (outcome, evidence)
}

/// The result of a case that was stopped at its time limit.
pub fn timed_out(context: &ScenarioContext, limit: Duration, rerun: String) -> ScenarioResult {
    let cause = format!(
        "the scenario was stopped at its time limit of {} s; the suite has a bug, or the machine is too slow (try --patience 3 or fewer --jobs)",
        limit.as_secs()
    );
    ScenarioResult {
        duration: limit,
        ..ScenarioResult::without_steps(
            context.case.clone(),
            Outcome::Error,
            Some(Evidence {
                timeline: context.journal.events(),
                rerun,
                ..Evidence::for_whole_scenario(&context.case, Failure::broken(cause))
            }),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a scenario is after a shortage, if `failure` was the result of its last step.
    fn with_shortage(
        shortage: Option<&str>,
        failure: Option<Failure>,
    ) -> (Option<Failure>, Option<String>) {
        let failed = failure.map(|failure| FailedStep {
            step: "Then it is".to_owned(),
            line: 7,
            failure,
        });
        let (failed, after) = account_for(shortage, failed, AfterScenario::default());
        (failed.map(|step| step.failure), after.broken)
    }

    #[test]
    fn a_mismatch_during_a_shortage_of_the_suite_is_an_error() {
        let mismatch = Failure::mismatch("OK", "UNAVAILABLE");
        let (failure, _) = with_shortage(Some("Too many open files"), Some(mismatch));
        let Some(Failure::Broken { cause }) = failure else {
            panic!("{failure:?}");
        };
        for part in [
            "Too many open files",
            "--jobs",
            "expected OK, got UNAVAILABLE",
        ] {
            assert!(cause.contains(part), "{cause}");
        }
    }

    #[test]
    fn success_during_a_shortage_of_the_suite_is_an_error() {
        let (failure, broken) = with_shortage(Some("Too many open files"), None);
        assert_eq!(failure, None);
        assert!(broken.is_some_and(|cause| cause.contains("Too many open files")));
    }

    #[test]
    fn other_results_are_not_changed() {
        let mismatch = Failure::mismatch("OK", "UNAVAILABLE");
        let unchanged = (Some(mismatch.clone()), None);
        assert_eq!(with_shortage(None, Some(mismatch)), unchanged);
        assert_eq!(with_shortage(None, None), (None, None));
        let broken = Failure::broken("PostgreSQL died");
        let unchanged = (Some(broken.clone()), None);
        assert_eq!(with_shortage(Some("no memory"), Some(broken)), unchanged);
    }
}
