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
use crate::run::outcome::{Evidence, LogExcerpt, Outcome, ScenarioResult, Want};

/// What the engine gives to a scenario.
#[derive(Clone, Debug)]
pub struct Scene {
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
pub trait Stage {
    /// What one scenario owns.
    type World: cucumber::World + std::fmt::Debug + 'static;

    /// Makes the world of one scenario.
    fn enter(&self, scene: Scene) -> impl Future<Output = Result<Self::World, Failure>>;

    /// Takes the world apart; `passed` tells whether anybody will want the evidence.
    fn leave(&self, world: Self::World, passed: bool) -> impl Future<Output = Aftermath>;
}

/// What is known once a scenario has ended.
#[derive(Debug, Default)]
pub struct Aftermath {
    /// The log lines that belong to it.
    pub logs: Vec<LogExcerpt>,
    /// Why the suite could not judge after all: a backend that died.
    pub broken: Option<String>,
}

/// How one step or the entry into the scenario ended.
struct Stop {
    step: String,
    line: usize,
    failure: Failure,
}

/// Runs the case to its end and takes its world apart.
pub async fn run<S: Stage>(
    stage: &S,
    steps: &step::Collection<S::World>,
    scene: Scene,
    rerun: String,
) -> ScenarioResult {
    let begun = Instant::now();
    let mut timings = Vec::new();
    let (stop, aftermath) = match guarded(stage.enter(scene.clone())).await.and_then(|it| it) {
        Err(failure) => {
            let step = "before the first step".to_owned();
            let line = scene.case.line;
            (
                Some(Stop {
                    step,
                    line,
                    failure,
                }),
                Aftermath::default(),
            )
        }
        Ok(mut world) => {
            let stop = walk(steps, &scene, &mut world, &mut timings).await;
            let aftermath = guarded(stage.leave(world, stop.is_none()))
                .await
                .unwrap_or_else(|failure| Aftermath {
                    broken: Some(format!("leaving the scenario failed: {failure}")),
                    ..Aftermath::default()
                });
            (stop, aftermath)
        }
    };
    let (outcome, evidence) = judge(&scene, stop, aftermath, rerun);
    ScenarioResult {
        case: scene.case,
        outcome,
        duration: begun.elapsed(),
        evidence,
        steps: timings,
    }
}

/// Takes the steps in turn until one does not pass.
async fn walk<W: cucumber::World>(
    steps: &step::Collection<W>,
    scene: &Scene,
    world: &mut W,
    timings: &mut Vec<(String, Duration)>,
) -> Option<Stop> {
    if scene.case.steps.is_empty() {
        return Some(Stop {
            step: "the whole scenario".to_owned(),
            line: scene.case.line,
            failure: Failure::broken("it has no step, so it judges nothing"),
        });
    }
    for step in &scene.case.steps {
        let begun = Instant::now();
        let taken = take(steps, step, world).await;
        let shown = format!("{} {}", step.keyword.trim(), step.value);
        timings.push((shown.clone(), begun.elapsed()));
        if let Err(failure) = taken {
            return Some(Stop {
                step: shown,
                line: step.position.line,
                failure,
            });
        }
    }
    None
}

async fn take<W: cucumber::World>(
    steps: &step::Collection<W>,
    step: &Step,
    world: &mut W,
) -> Result<(), Failure> {
    match steps.find(step) {
        Ok(Some((function, _, _, context))) => guarded(function(world, context)).await,
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

/// Notes where panics begin instead of printing them: a step's failure travels as a panic, and
/// whoever catches it tells the user.
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
async fn guarded<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let mut future = std::pin::pin!(AssertUnwindSafe(future).catch_unwind());
    let caught = std::future::poll_fn(|context| {
        GUARDED.with(|it| it.set(true));
        let polled = future.as_mut().poll(context);
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
        Failure::from_panic_text(text).unwrap_or_else(|| {
            let place = PANICKED_AT.with(|it| it.borrow_mut().take());
            Failure::broken(format!(
                "a panic in the suite at {}: {text}",
                place.as_deref().unwrap_or("an unknown place")
            ))
        })
    })
}

fn judge(
    scene: &Scene,
    stopped: Option<Stop>,
    aftermath: Aftermath,
    rerun: String,
) -> (Outcome, Option<Evidence>) {
    let (step, line, failure) = match (stopped, &aftermath.broken) {
        (None, None) => return (Outcome::Passed, None),
        (None, Some(cause)) => (
            "after the last step".to_owned(),
            scene.case.line,
            Failure::broken(cause),
        ),
        // What a step saw while a backend was dead says nothing about the subject.
        (Some(it), Some(cause)) => (it.step, it.line, Failure::broken(cause)),
        (Some(it), None) => (it.step, it.line, it.failure),
    };
    let mut evidence = Evidence {
        step,
        line,
        timeline: timeline(&scene.journal),
        logs: aftermath.logs,
        rerun,
        ..Evidence::default()
    };
    let outcome = match failure {
        Failure::Mismatch {
            expected,
            got,
            details,
        } => {
            evidence.expected = expected;
            evidence.got = got;
            evidence.details = details;
            Outcome::Failed
        }
        Failure::Broken { cause } => {
            evidence.got = cause;
            Outcome::Error
        }
        Failure::Missing { reason } => Outcome::NotRun {
            reason,
            want: Want::Backend,
        },
        Failure::Unsupported { reason } => Outcome::NotRun {
            reason,
            want: Want::Control,
        },
    };
    let evidence = matches!(outcome, Outcome::Failed | Outcome::Error).then_some(evidence);
    (outcome, evidence)
}

fn timeline(journal: &Journal) -> Vec<String> {
    journal
        .entries()
        .into_iter()
        .map(|it| format!("#{} +{} ms {}", it.number, it.at.as_millis(), it.what))
        .collect()
}

/// The result of a case that its own watchdog ended.
pub fn overrun(scene: &Scene, limit: Duration, rerun: String) -> ScenarioResult {
    ScenarioResult {
        case: scene.case.clone(),
        outcome: Outcome::Error,
        duration: limit,
        evidence: Some(Evidence {
            step: "the whole scenario".to_owned(),
            line: scene.case.line,
            got: format!(
                "the scenario's own watchdog ended it after {} s; this is a fault of the suite or a machine that is too slow (try --patience 3 or fewer --jobs)",
                limit.as_secs()
            ),
            timeline: timeline(&scene.journal),
            rerun,
            ..Evidence::default()
        }),
        steps: Vec::new(),
    }
}
