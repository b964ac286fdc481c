//! Runs cases concurrently, in an order that depends on the seed. Cases tagged `@alone` run last, one at a time.

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

/// Time limit of a scenario at patience 1; the suite stops it then.
const SCENARIO_LIMIT: Duration = Duration::from_secs(90);

/// Time limit of a long scenario (`@slow`) at patience 1.
const LONG_SCENARIO_LIMIT: Duration = Duration::from_mins(3);

/// Settings of an execution.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Maximum number of concurrent scenarios.
    pub jobs: usize,
    /// The seed of the scenario order and of generated inputs.
    pub seed: u64,
    /// The allowance of this machine on the contract's limits.
    pub patience: Patience,
    /// Whether to stop at the first case that failed or ended in error.
    pub fail_fast: bool,
    /// The start of the command that reruns a case: `conformance run --manifest x.toml`.
    pub rerun: String,
}

/// Is notified when cases start and end.
pub trait Watcher {
    /// Called when a case has started.
    fn started(&self, case: &Case);
    /// Called when a case has ended.
    fn finished(&self, result: &ScenarioResult);
}

/// Runs the cases. Cases that were stopped by `cancel` or `fail_fast`, or not started, have no result.
///
/// Steps are polled on the calling thread; tasks that they spawn run on the runtime's workers.
pub async fn execute<S: ScenarioHooks + 'static>(
    hooks: Rc<S>,
    steps: step::Collection<S::World>,
    cases: Vec<Arc<Case>>,
    plan: &Plan,
    watcher: &impl Watcher,
    cancel: &CancellationToken,
) -> Vec<ScenarioResult> {
    let (alone, mut together): (Vec<_>, Vec<_>) =
        cases.into_iter().partition(|case| case.has_tag("alone"));
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
                    running.spawn_local(run_with_limit(
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
                // A task that panicked outside of hooks and steps has no result.
                let Ok(result) = ended else { continue };
                watcher.finished(&result);
                queue.release(&result.case);
                let has_failed = matches!(result.outcome, Outcome::Failed | Outcome::Error);
                results.push(result);
                if has_failed && plan.fail_fast {
                    running.shutdown().await;
                    return;
                }
            }
        };
        local.run_until(running).await;
        let stopped = plan.fail_fast
            && results
                .iter()
                .any(|result| matches!(result.outcome, Outcome::Failed | Outcome::Error));
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

/// Runs one case within its time limit.
async fn run_with_limit<S: ScenarioHooks>(
    hooks: Rc<S>,
    steps: Rc<step::Collection<S::World>>,
    context: ScenarioContext,
    plan: Plan,
) -> ScenarioResult {
    let rerun = rerun_command(&context.case, &plan);
    let limit = if is_long(&context.case) {
        LONG_SCENARIO_LIMIT
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

/// The command that runs only one case, with the same seed.
pub fn rerun_command(case: &Case, plan: &Plan) -> String {
    let name = shell_quote(&format!("^{}$", regex::escape(&case.name)));
    format!(
        "{} --component {} --clause {} --name {name} --seed {}",
        plan.rerun, case.component, case.clause, plan.seed
    )
}

/// Quotes a text as one argument of a shell command.
pub fn shell_quote(text: &str) -> String {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "-_./=:,+".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
