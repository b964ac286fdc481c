//! Programs on trial: each against the scenarios that it has to face.

use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::ensure;
use conformance_engine::backends::Backends;
use conformance_engine::backends::provider::Choice;
use conformance_engine::features::cases::Case;
use conformance_engine::manifest::Manifest;
use conformance_engine::run::execute::{self, Plan, Watcher};
use conformance_engine::run::outcome::{Outcome, ScenarioResult};
use conformance_engine::sandbox::Sandbox;
use cucumber::World as _;
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::{Mutant, Request};
use crate::contract::catalogue::CATALOGUE;
use crate::environment::Environment;
use crate::session;
use crate::world::{Hooks, World};

/// How many programs are judged at once; each has its own shared deployment.
const AT_ONCE: usize = 8;

/// How many scenarios at once face a standing mutant: most only wait for it to become ready.
const STANDING_JOBS: usize = 64;

/// What came of one program.
pub struct Trial {
    /// The program.
    pub mutant: Mutant,
    /// In the order of the features.
    pub results: Vec<ScenarioResult>,
}

impl Trial {
    /// The results with such an outcome.
    pub fn with(&self, wanted: impl Fn(&Outcome) -> bool) -> Vec<&ScenarioResult> {
        self.results
            .iter()
            .filter(|it| wanted(&it.outcome))
            .collect()
    }

    /// The scenarios that killed it.
    pub fn killers(&self) -> Vec<&ScenarioResult> {
        self.with(|it| *it == Outcome::Failed)
    }

    /// One line for the progress of a self-check.
    fn summary(&self) -> String {
        let mutant = &self.mutant;
        let clause = mutant.clause.as_deref().unwrap_or("-");
        let failed = self.killers().len();
        let run = self.results.len();
        let broken = self.broken().len();
        let mut line = format!("{clause:7} {:45} fails {failed} of {run}", mutant.id);
        if broken > 0 {
            let _ = write!(line, ", {broken} could not judge");
        }
        line
    }

    /// The scenarios that could not judge.
    pub fn broken(&self) -> Vec<&ScenarioResult> {
        self.with(|it| !matches!(it, Outcome::Failed | Outcome::Passed))
    }
}

/// The cases that a program has to face.
pub fn faced(request: &Request, mutant: &Mutant, cases: &[Arc<Case>]) -> Vec<Arc<Case>> {
    cases
        .iter()
        .filter(|it| it.component == mutant.component)
        .filter(|case| match &mutant.clause {
            Some(clause) => case.clause == *clause,
            None => request.clauses.is_empty() || request.clauses.contains(&case.clause),
        })
        .cloned()
        .collect()
}

/// Judges the programs, several at once, in the order of the contract.
pub async fn try_all(
    request: &Request,
    manifest: &Manifest,
    cases: &[Arc<Case>],
    mutants: Vec<Mutant>,
) -> anyhow::Result<Vec<Trial>> {
    let cancel = session::cancel_on_signal()?;
    let backends = Rc::new(Backends::new(Sandbox::create(false)?, Choice::Auto));
    let needed = session::backends_of(&session::components(cases));
    backends.warm_up(&needed).await;
    let total = mutants.len();
    let mut done = 0;
    let mut trials: Vec<Trial> = Vec::new();
    // The plain reference by itself: it is the one that must be in time.
    let (plain, wrong): (Vec<_>, Vec<_>) = mutants.into_iter().partition(Mutant::is_plain);
    for (programs, at_once) in [(plain, 1), (wrong, AT_ONCE)] {
        let mut running = futures::stream::iter(programs)
            .map(|program| {
                let faced = faced(request, &program, cases);
                trial(request, manifest, &backends, program, faced, &cancel)
            })
            .buffer_unordered(at_once);
        while let Some(trial) = running.next().await {
            done += 1;
            println!("[{done:3}/{total}] {}", trial.summary());
            trials.push(trial);
        }
    }
    backends.stop().await;
    ensure!(!cancel.is_cancelled(), "interrupted by a signal");
    trials.sort_by_key(|it| order(&it.mutant));
    Ok(trials)
}

/// In the contract's order, and by name within a clause.
fn order(mutant: &Mutant) -> (usize, String) {
    let place = mutant.clause.as_ref().map_or(0, |clause| {
        1 + CATALOGUE
            .clauses()
            .position(|it| it == *clause)
            .unwrap_or(usize::MAX - 1)
    });
    (place, mutant.id.clone())
}

async fn trial(
    request: &Request,
    manifest: &Manifest,
    backends: &Rc<Backends>,
    mutant: Mutant,
    cases: Vec<Arc<Case>>,
    cancel: &CancellationToken,
) -> Trial {
    let mut manifest = manifest.clone();
    if let Some(source) = manifest.components.get_mut(&mutant.component) {
        source.command.push(mutant.id.clone());
    }
    let judged = session::components(&cases);
    let environment = Rc::new(Environment::new(
        manifest,
        backends.clone(),
        request.patience,
        judged,
    ));
    let hooks = Rc::new(Hooks {
        environment: environment.clone(),
    });
    let plan = Plan {
        jobs: if mutant.is_standing() {
            STANDING_JOBS
        } else if mutant.is_plain() {
            request.jobs.div_ceil(2)
        } else {
            request.jobs.div_ceil(AT_ONCE)
        },
        seed: request.seed,
        patience: request.patience,
        // One scenario that fails is enough.
        fail_fast: mutant.generated.is_some(),
        rerun: format!("conformance self-check --only {}", mutant.id),
    };
    let (first, rest): (Vec<_>, Vec<_>) = cases.iter().cloned().partition(|case| {
        let likely = mutant.generated.as_ref();
        likely.is_none_or(|clauses| clauses.contains(&case.clause))
    });
    let mut results = Vec::new();
    for stage in [first, rest] {
        let is_killed = results
            .iter()
            .any(|result: &ScenarioResult| result.outcome == Outcome::Failed);
        if stage.is_empty() || mutant.generated.is_some() && is_killed {
            continue;
        }
        let steps = World::collection();
        let hooks = hooks.clone();
        results.extend(execute::execute(hooks, steps, stage, &plan, &Silent, cancel).await);
    }
    environment.end().await;
    results.sort_by_key(|it| cases.iter().position(|case| Arc::ptr_eq(case, &it.case)));
    Trial { mutant, results }
}

struct Silent;

impl Watcher for Silent {
    fn started(&self, _: &Case) {}
    fn finished(&self, _: &ScenarioResult) {}
}
