//! Runs cases side by side, in an order drawn from the seed; those tagged `@alone` one by one at the end.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use cucumber::step;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use tokio::task::{JoinSet, LocalSet};
use tokio_util::sync::CancellationToken;

use crate::features::cases::Case;
use crate::observe::{Journal, Patience};
use crate::run::outcome::{Outcome, ScenarioResult};
use crate::run::scenario::{self, ScenarioContext, ScenarioHooks};
use crate::run::schedule::{Queue, is_long};

/// How long a scenario may take before the suite gives up on it, at patience 1.
const SCENARIO_LIMIT: Duration = Duration::from_secs(90);

/// The same for a long one (`@slow`).
const LONG_LIMIT: Duration = Duration::from_mins(3);

/// How to execute.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many scenarios at once.
    pub jobs: usize,
    /// Of the order and of properties.
    pub seed: u64,
    /// For a slow machine.
    pub patience: Patience,
    /// Stop at the first case that failed or ended in error.
    pub fail_fast: bool,
    /// What a rerun's command begins with: `conformance run --manifest x.toml`.
    pub rerun: String,
}

/// Notified of the progress while cases run.
pub trait Watcher {
    /// A case begins.
    fn started(&self, case: &Case);
    /// A case has ended.
    fn finished(&self, result: &ScenarioResult);
}

/// Runs the cases; those that `cancel` or `fail_fast` stopped have no result.
///
/// Steps are polled on the calling thread, what they spawn runs on the runtime's workers.
pub async fn execute<S: ScenarioHooks + 'static>(
    hooks: Rc<S>,
    steps: step::Collection<S::World>,
    cases: Vec<Arc<Case>>,
    plan: &Plan,
    watcher: &impl Watcher,
    cancel: &CancellationToken,
) -> Vec<ScenarioResult> {
    let (alone, mut together): (Vec<_>, Vec<_>) =
        cases.into_iter().partition(|it| it.has_tag("alone"));
    together.shuffle(&mut StdRng::seed_from_u64(plan.seed));
    let steps = Rc::new(steps);
    let mut results = Vec::new();
    for (batch, jobs) in [(together, plan.jobs), (alone, 1)] {
        let mut queue = Queue::new(batch);
        let local = LocalSet::new();
        let running = async {
            let mut running = JoinSet::new();
            loop {
                while running.len() < jobs && !cancel.is_cancelled() {
                    let Some(case) = queue.next(jobs) else {
                        break;
                    };
                    watcher.started(&case);
                    let context = context(case, plan);
                    running.spawn_local(bounded(
                        hooks.clone(),
                        steps.clone(),
                        context,
                        plan.clone(),
                    ));
                }
                let ended = tokio::select! {
                    ended = running.join_next() => ended,
                    () = cancel.cancelled(), if !running.is_empty() => {
                        running.shutdown().await;
                        return;
                    }
                };
                let Some(ended) = ended else { return };
                // A task that was aborted or panicked outside of its steps has no result.
                let Ok(result) = ended else { continue };
                watcher.finished(&result);
                queue.ended(&result.case);
                let bad = matches!(result.outcome, Outcome::Failed | Outcome::Error);
                results.push(result);
                if bad && plan.fail_fast {
                    running.shutdown().await;
                    return;
                }
            }
        };
        local.run_until(running).await;
        let stopped = plan.fail_fast
            && results
                .iter()
                .any(|it| matches!(it.outcome, Outcome::Failed | Outcome::Error));
        if cancel.is_cancelled() || stopped {
            break;
        }
    }
    results
}

fn context(case: Arc<Case>, plan: &Plan) -> ScenarioContext {
    ScenarioContext {
        id: uuid::Uuid::new_v4().simple().to_string()[..12].to_owned(),
        case,
        journal: Journal::new(),
        patience: plan.patience,
        seed: plan.seed,
    }
}

async fn bounded<S: ScenarioHooks>(
    hooks: Rc<S>,
    steps: Rc<step::Collection<S::World>>,
    context: ScenarioContext,
    plan: Plan,
) -> ScenarioResult {
    let rerun = rerun(&context.case, &plan);
    let limit = if is_long(&context.case) {
        LONG_LIMIT
    } else {
        SCENARIO_LIMIT
    };
    let limit = limit.mul_f64(plan.patience.factor());
    let run = scenario::run(&*hooks, &steps, context.clone(), rerun.clone());
    match tokio::time::timeout(limit, run).await {
        Ok(result) => result,
        Err(_) => scenario::timed_out(&context, limit, rerun),
    }
}

/// The command that runs one case alone, with the same seed.
pub fn rerun(case: &Case, plan: &Plan) -> String {
    let name = quoted(&format!("^{}$", regex::escape(&case.name)));
    format!(
        "{} --component {} --clause {} --name {name} --seed {}",
        plan.rerun, case.component, case.clause, plan.seed
    )
}

/// The text as one word of a shell's command line.
pub fn quoted(text: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_./=:,+".contains(it);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
