//! One case, step by step: what a step's panic means, and the evidence when it did not pass.

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
use crate::run::outcome::{Evidence, LogExcerpt, MissingKind, Outcome, ScenarioResult};
use crate::sandbox::resources;

/// What the engine gives to a scenario.
#[derive(Clone, Debug)]
pub struct ScenarioContext {
    /// What is run.
    pub case: Arc<Case>,
    /// Unique within the run; every request carries it.
    pub id: String,
    /// What happens, for the evidence.
    pub journal: Journal,
    /// What this machine needs on top of the contract's limits.
    pub patience: Patience,
    /// The seed of the run; properties draw from it.
    pub seed: u64,
}

/// What a platform's suite gives to the engine: how a scenario is entered and left.
pub trait ScenarioHooks {
    /// What one scenario owns.
    type World: cucumber::World + std::fmt::Debug + 'static;

    /// Makes the world of one scenario.
    fn before(
        &self,
        context: ScenarioContext,
    ) -> impl Future<Output = Result<Self::World, Failure>>;

    /// Ends what the world owns; evidence is needed unless the scenario passed.
    fn after(&self, world: Self::World, passed: bool) -> impl Future<Output = AfterScenario>;
}

/// What is known once a scenario has ended.
#[derive(Debug, Default)]
pub struct AfterScenario {
    /// The log lines that belong to it.
    pub logs: Vec<LogExcerpt>,
    /// Why the suite could not judge after all: a backend that died.
    pub broken: Option<String>,
}

/// How one step or the entry into the scenario ended.
struct FailedStep {
    step: String,
    line: usize,
    failure: Failure,
}

/// Runs the case to its end and takes its world apart.
pub async fn run<S: ScenarioHooks>(
    hooks: &S,
    steps: &step::Collection<S::World>,
    context: ScenarioContext,
    rerun: String,
) -> ScenarioResult {
    let begun = Instant::now();
    let mut timings = Vec::new();
    let (stop, after) = match catch_panic(hooks.before(context.clone()))
        .await
        .and_then(|it| it)
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
            let stop = run_steps(steps, &context, &mut world, &mut timings).await;
            let after = catch_panic(hooks.after(world, stop.is_none()))
                .await
                .unwrap_or_else(|failure| AfterScenario {
                    broken: Some(format!("leaving the scenario failed: {failure}")),
                    ..AfterScenario::default()
                });
            (stop, after)
        }
    };
    let lack = resources::lack_since(begun);
    let stop = stop.map(|stop| FailedStep {
        failure: excused(stop.failure, lack.as_deref()),
        ..stop
    });
    let (outcome, evidence) = judge(&context, stop, after, rerun);
    ScenarioResult {
        case: context.case,
        outcome,
        duration: begun.elapsed(),
        evidence,
        steps: timings,
    }
}

/// A mismatch that was seen while the suite lacked a resource says nothing about the subject.
fn excused(failure: Failure, lack: Option<&str>) -> Failure {
    match (lack, &failure) {
        (Some(lack), Failure::Mismatch { .. }) => Failure::broken(format!(
            "this machine has too little left for the suite ({lack}): raise its limits (`ulimit -a`), make \
             room, or run fewer scenarios at once with --jobs; what the step saw: {}",
            failure.first_line()
        )),
        _ => failure,
    }
}

/// Takes the steps in turn until one does not pass.
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
            failure: Failure::broken("it has no step, so it judges nothing"),
        });
    }
    for step in &context.case.steps {
        let begun = Instant::now();
        let taken = run_step(steps, step, world).await;
        let shown = format!("{} {}", step.keyword.trim(), step.value);
        timings.push((shown.clone(), begun.elapsed()));
        if let Err(failure) = taken {
            return Some(FailedStep {
                step: shown,
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
            "no step matches {:?}; `conformance lint` finds such steps",
            step.value
        ))),
        Err(ambiguous) => Err(Failure::broken(format!(
            "more than one step matches {:?}: {ambiguous}",
            step.value
        ))),
    }
}

thread_local! {
    /// Where the newest panic of this thread began.
    static PANICKED_AT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Notes where panics begin instead of printing them: a step's failure arrives as a panic, and
/// the one that catches it reports it.
pub fn quiet_panics() {
    let loud = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let inside = GUARDED.with(Cell::get);
        if inside {
            let place = info.location().map(ToString::to_string);
            PANICKED_AT.with(|it| *it.borrow_mut() = place);
        } else {
            loud(info);
        }
    }));
}

thread_local! {
    /// Whether this thread is polling a scenario right now.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Polls the future so that its panic becomes a failure: the subject's if it was one, else the suite's.
async fn catch_panic<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let mut future = std::pin::pin!(AssertUnwindSafe(future).catch_unwind());
    let caught = std::future::poll_fn(|cx| {
        GUARDED.with(|it| it.set(true));
        let polled = future.as_mut().poll(cx);
        GUARDED.with(|it| it.set(false));
        polled
    })
    .await;
    caught.map_err(|payload| {
        let text = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("a panic without a text");
        Failure::of_panic(text).unwrap_or_else(|| {
            let place = PANICKED_AT.with(|it| it.borrow_mut().take());
            Failure::broken(format!(
                "a panic in the suite at {}: {text}",
                place.as_deref().unwrap_or("an unknown place")
            ))
        })
    })
}

fn judge(
    context: &ScenarioContext,
    stopped: Option<FailedStep>,
    after: AfterScenario,
    rerun: String,
) -> (Outcome, Option<Evidence>) {
    let (step, line, failure) = match (stopped, &after.broken) {
        (None, None) => return (Outcome::Passed, None),
        (None, Some(cause)) => (
            "after the last step".to_owned(),
            context.case.line,
            Failure::broken(cause),
        ),
        // What a step saw while a backend was dead says nothing about the subject.
        (Some(it), Some(cause)) => (it.step, it.line, Failure::broken(cause)),
        (Some(it), None) => (it.step, it.line, it.failure),
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
    let shows_a_fault = matches!(outcome, Outcome::Failed | Outcome::Error);
    let evidence = shows_a_fault.then(|| Evidence {
        step,
        line,
        failure,
        timeline: context.journal.events(),
        logs: after.logs,
        rerun,
    });
    (outcome, evidence)
}

/// The result of a case that its own watchdog ended.
pub fn timed_out(context: &ScenarioContext, limit: Duration, rerun: String) -> ScenarioResult {
    let cause = format!(
        "the scenario's own watchdog ended it after {} s; this is a fault of the suite or a machine that is too slow (try --patience 3 or fewer --jobs)",
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
                ..Evidence::of_whole(&context.case, Failure::broken(cause))
            }),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_while_the_suite_lacked_a_resource_is_no_fault_of_the_subject() {
        let mismatch = Failure::mismatch("OK", "UNAVAILABLE");
        let excused = excused(mismatch, Some("Too many open files"));
        let Failure::Broken { cause } = excused else {
            panic!("{excused:?}");
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
    fn every_other_failure_stays_as_it_is() {
        let mismatch = Failure::mismatch("OK", "UNAVAILABLE");
        assert_eq!(excused(mismatch.clone(), None), mismatch);
        let broken = Failure::broken("PostgreSQL died");
        assert_eq!(excused(broken.clone(), Some("no memory")), broken);
    }
}
