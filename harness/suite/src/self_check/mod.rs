//! The self-check: every mutant must be killed, and every scenario must kill one.
//!
//! - [`Mutant`]: what the program of mutants says of each
//! - [`weave`]: edits of the reference, each behind a switch
//! - [`workspace`]: the copy of the reference that they are woven into, and its build
//! - `exempt`: scenarios that need not kill a mutant, and mutants that need not be killed
//! - [`operators`], [`generated`]: mutants that operators make, for a mutation score
//! - [`judge`]: findings, a pure function of what was run
//! - [`table`]: which scenario kills which mutant, for people and for the repository

mod exempt;
pub mod generated;
mod judge;
mod operators;
mod table;
mod weave;
mod workspace;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Stdio;
use std::rc::Rc;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use conformance_engine::backends::Backends;
use conformance_engine::backends::provider::Choice;
use conformance_engine::features::cases::{self, Case};
use conformance_engine::manifest::Manifest;
use conformance_engine::observe::Patience;
use conformance_engine::run::execute::{self, Plan, Watcher};
use conformance_engine::run::outcome::{Outcome, ScenarioResult};
use conformance_engine::run::scenario;
use conformance_engine::sandbox::Sandbox;
use cucumber::World as _;
use futures::StreamExt as _;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::contract::catalogue::CATALOGUE;
use crate::environment::Environment;
use crate::session;
use crate::world::{Hooks, World};

/// How many programs are judged at once; each has its own shared deployment.
const AT_ONCE: usize = 8;

/// How many scenarios at once face a standing mutant: most only wait for it to become ready.
const STANDING_JOBS: usize = 64;

/// Options of a self-check.
pub struct Request {
    /// Path of the manifest of the mutants.
    pub manifest: PathBuf,
    /// A folder of features instead of the embedded ones.
    pub features: Option<PathBuf>,
    /// Only these components; none means all.
    pub components: Vec<String>,
    /// Only these clauses; none means all.
    pub clauses: Vec<String>,
    /// Only these mutants; none means all.
    pub only: Vec<String>,
    /// Only one part of all mutants.
    pub shard: Option<Shard>,
    /// Where the table goes.
    pub table: Option<PathBuf>,
    /// Scenarios at once.
    pub jobs: usize,
    /// Of order and properties.
    pub seed: u64,
    /// For a slow machine.
    pub patience: Patience,
}

/// One part of so many, which together are all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: usize,
    of: usize,
}

impl Shard {
    /// Whether the mutant at this place of the list is in it. Neighbours, which are similar, are in
    /// different shards.
    fn holds(self, place: usize) -> bool {
        place % self.of + 1 == self.number
    }
}

impl FromStr for Shard {
    type Err = &'static str;

    /// `K/N`: the K-th of N.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shard = text.split_once('/').and_then(|(number, of)| {
            let (number, of) = (number.parse().ok()?, of.parse().ok()?);
            (1..=of).contains(&number).then_some(Self { number, of })
        });
        shard.ok_or("is no K/N with K from 1 to N")
    }
}

/// One wrong program, as the program of mutants lists it.
#[derive(Clone, Debug, Deserialize)]
pub struct Mutant {
    /// Its name on the command line.
    pub id: String,
    /// Which program is wrong.
    pub component: String,
    /// The clause that it breaks; none for the plain reference and for what breaks everything.
    pub clause: Option<String>,
    /// What is wrong with it, in a sentence.
    pub wrong: String,
    /// The reference with nothing wrong.
    plain: bool,
    /// Of a generated mutant, which any scenario may kill: the clauses whose scenarios it faces first.
    #[serde(skip)]
    generated: Option<BTreeSet<String>>,
}

impl Mutant {
    fn is_plain(&self) -> bool {
        self.plain
    }

    /// Whether it needs no reference and must fail every scenario.
    fn is_standing(&self) -> bool {
        self.clause.is_none() && !self.is_plain() && self.generated.is_none()
    }
}

/// What came of one program.
pub struct Trial {
    /// The program.
    pub mutant: Mutant,
    /// In the order of the features.
    pub results: Vec<ScenarioResult>,
}

impl Trial {
    fn with(&self, wanted: impl Fn(&Outcome) -> bool) -> Vec<&ScenarioResult> {
        self.results
            .iter()
            .filter(|it| wanted(&it.outcome))
            .collect()
    }

    /// The scenarios that killed it.
    pub fn killers(&self) -> Vec<&ScenarioResult> {
        self.with(|it| *it == Outcome::Failed)
    }

    /// The scenarios that could not judge.
    pub fn broken(&self) -> Vec<&ScenarioResult> {
        self.with(|it| !matches!(it, Outcome::Failed | Outcome::Passed))
    }
}

/// Runs the mutants and reports; answers the exit status.
pub fn run(request: &Request) -> anyhow::Result<u8> {
    let manifest = Manifest::load(&request.manifest, &CATALOGUE)?;
    let documents = crate::features::load(request.features.as_deref())?;
    let cases = cases::cases(&documents, &CATALOGUE);
    workspace::prepare(&manifest.folder)?;
    let mutants = choose(request, &cases, list(&manifest)?);
    let begun = Instant::now();
    let trials = judge_all(request, &manifest, &cases, mutants)?;
    let selection = judge::Selection {
        components: &request.components,
        clauses: &request.clauses,
        whole: request.only.is_empty() && request.shard.is_none(),
    };
    let exempt = exempt::Exemptions::read(&manifest.folder.join("exempt.toml"))?;
    let findings = judge::findings(&selection, &cases, &trials, &exempt.kills_nothing);
    for finding in &findings {
        println!("FINDING  {finding}");
    }
    if let Some(path) = &request.table {
        std::fs::write(path, table::markdown(&trials))
            .with_context(|| format!("cannot write the table {}", path.display()))?;
    }
    let scenarios: usize = trials.iter().map(|it| it.results.len()).sum();
    println!(
        "{} programs, {scenarios} scenarios run in {} s, {} findings",
        trials.len(),
        begun.elapsed().as_secs(),
        findings.len()
    );
    Ok(u8::from(!findings.is_empty()))
}

/// Judges mutants that operators make, `sample` of them, and reports their score; answers the exit status.
pub fn run_generated(request: &Request, sample: Option<usize>) -> anyhow::Result<u8> {
    let mut manifest = Manifest::load(&request.manifest, &CATALOGUE)?;
    let documents = crate::features::load(request.features.as_deref())?;
    let cases = cases::cases(&documents, &CATALOGUE);
    let is_selected = |component: &str| {
        request.components.is_empty() || request.components.iter().any(|it| it == component)
    };
    // An edit of the platform is one of every component.
    let is_wanted = |file: &str| {
        file.starts_with("platform/") || file.split('/').next().is_some_and(is_selected)
    };
    let exempt = exempt::Exemptions::read(&manifest.folder.join("exempt.toml"))?;
    let build = generated::prepare(
        &manifest.folder,
        is_wanted,
        &exempt.equivalent,
        sample,
        request.seed,
    )?;
    for source in manifest.components.values_mut() {
        source.command = vec![build.workspace.program().display().to_string()];
    }
    let clauses = workspace::clauses_by_file(&manifest.folder)?;
    let mutants = build
        .mutants
        .iter()
        .flat_map(|mutant| mutant.programs(&clauses));
    let mutants = mutants.filter(|mutant| is_selected(&mutant.component));
    let trials = judge_all(request, &manifest, &cases, mutants.collect())?;
    print!("{}", generated::report(&build, &trials));
    Ok(0)
}

fn judge_all(
    request: &Request,
    manifest: &Manifest,
    cases: &[Arc<Case>],
    mutants: Vec<Mutant>,
) -> anyhow::Result<Vec<Trial>> {
    ensure!(!mutants.is_empty(), "the selection matches no mutant");
    scenario::silence_scenario_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(try_all(request, manifest, cases, mutants))
}

/// The mutants that the program lists.
fn list(manifest: &Manifest) -> anyhow::Result<Vec<Mutant>> {
    let mut all: Vec<Mutant> = Vec::new();
    for (component, source) in &manifest.components {
        let program = &source.command[0];
        let path = manifest.folder.join(program);
        let output = std::process::Command::new(&path)
            .arg("list")
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run {} for {component}", path.display()))?;
        let listed: Vec<Mutant> = serde_json::from_slice(&output.stdout).with_context(|| {
            format!("{} list does not print the mutants as JSON", path.display())
        })?;
        // One program may hold those of several components.
        all.extend(listed.into_iter().filter(|it| it.component == *component));
    }
    Ok(all)
}

fn choose(request: &Request, cases: &[Arc<Case>], all: Vec<Mutant>) -> Vec<Mutant> {
    let is_wanted = |mutant: &Mutant| match &mutant.clause {
        _ if request.clauses.is_empty() => true,
        Some(clause) => request.clauses.contains(clause),
        // The clauses may all be those of another component.
        None => !faced(request, mutant, cases).is_empty(),
    };
    all.into_iter()
        .filter(|it| request.components.is_empty() || request.components.contains(&it.component))
        .filter(|it| request.only.is_empty() || request.only.contains(&it.id))
        .filter(is_wanted)
        .enumerate()
        .filter(|(place, _)| request.shard.is_none_or(|shard| shard.holds(*place)))
        .map(|(_, mutant)| mutant)
        .collect()
}

/// The cases that a program has to face.
fn faced(request: &Request, mutant: &Mutant, cases: &[Arc<Case>]) -> Vec<Arc<Case>> {
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

async fn try_all(
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
            println!("[{done:3}/{total}] {}", table::line(&trial));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_share_all_mutants_out() {
        let shards = ["1/3", "2/3", "3/3"].map(|text| text.parse::<Shard>().expect("a shard"));
        for place in 0..10 {
            let holders = shards.iter().filter(|shard| shard.holds(place));
            assert_eq!(holders.count(), 1, "{place}");
        }
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for text in ["", "1", "0/3", "4/3", "1/0", "1/x", "-1/3", "1/2/3"] {
            assert!(text.parse::<Shard>().is_err(), "{text:?}");
        }
    }
}
