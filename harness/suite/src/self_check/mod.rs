//! The self-check: every counterexample must be caught, and every scenario must catch one.
//!
//! - [`Counterexample`]: what the program of counterexamples says of each
//! - [`judge`]: findings, a pure function of what was run
//! - [`table`]: who catches what, for people and for the repository

mod exempt;
mod judge;
mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
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

use crate::catalogue::CATALOGUE;
use crate::session;
use crate::site::{Backends, Site};
use crate::world::{Platform, World};

/// How many programs are judged at once; each has its own shared deployment.
const AT_ONCE: usize = 8;

/// How many scenarios at once face a standing counterexample: most only wait for it to become ready.
const STANDING_JOBS: usize = 64;

/// What somebody asks of a self-check.
pub struct Request {
    /// Path of the manifest of the counterexamples.
    pub manifest: PathBuf,
    /// A folder of features instead of the embedded ones.
    pub features: Option<PathBuf>,
    /// Only these components; none means all.
    pub components: Vec<String>,
    /// Only these clauses; none means all.
    pub clauses: Vec<String>,
    /// Only these counterexamples; none means all.
    pub only: Vec<String>,
    /// Where the table goes.
    pub table: Option<PathBuf>,
    /// Scenarios at once.
    pub jobs: usize,
    /// Of order and properties.
    pub seed: u64,
    /// For a slow machine.
    pub patience: Patience,
}

/// One wrong program, as the program of counterexamples lists it.
#[derive(Clone, Debug, Deserialize)]
pub struct Counterexample {
    /// Its name on the command line.
    pub id: String,
    /// Which program is wrong.
    pub component: String,
    /// The clause that it breaks; none for the plain reference and for what breaks everything.
    pub clause: Option<String>,
    /// What is wrong with it, in a sentence.
    pub wrong: String,
    /// The reference through the same seams, with nothing wrong.
    plain: bool,
}

impl Counterexample {
    fn is_plain(&self) -> bool {
        self.plain
    }

    /// Whether it needs no reference and must fail every scenario.
    fn is_standing(&self) -> bool {
        self.clause.is_none() && !self.is_plain()
    }
}

/// What came of one program.
pub struct Trial {
    /// The program.
    pub counterexample: Counterexample,
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

    /// The scenarios that caught it.
    pub fn catchers(&self) -> Vec<&ScenarioResult> {
        self.with(|it| *it == Outcome::Failed)
    }

    /// The scenarios that could not judge.
    pub fn broken(&self) -> Vec<&ScenarioResult> {
        self.with(|it| !matches!(it, Outcome::Failed | Outcome::Passed))
    }
}

/// Runs the counterexamples and reports; answers the exit status.
pub fn run(request: &Request) -> anyhow::Result<u8> {
    let manifest = Manifest::load(&request.manifest, &CATALOGUE)?;
    let documents = crate::features::load(request.features.as_deref())?;
    let cases = cases::cases(&documents, &CATALOGUE);
    session::build(&manifest)?;
    let counterexamples = choose(request, &cases, list(&manifest)?);
    ensure!(
        !counterexamples.is_empty(),
        "the selection matches no counterexample"
    );
    scenario::quiet_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let begun = Instant::now();
    let trials = runtime.block_on(try_all(request, &manifest, &cases, counterexamples))?;
    let findings = judge::findings(request, &cases, &trials);
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

/// Asks the program for its counterexamples.
fn list(manifest: &Manifest) -> anyhow::Result<Vec<Counterexample>> {
    let mut all: Vec<Counterexample> = Vec::new();
    for (component, source) in &manifest.components {
        let program = &source.command[0];
        let path = manifest.folder.join(program);
        let output = std::process::Command::new(&path)
            .arg("list")
            .stdin(Stdio::null())
            .output()
            .with_context(|| {
                format!("cannot run {} for {component}; build it with `cargo build --bin counterexamples`", path.display())
            })?;
        let listed: Vec<Counterexample> =
            serde_json::from_slice(&output.stdout).with_context(|| {
                format!(
                    "{} list does not print the counterexamples as JSON",
                    path.display()
                )
            })?;
        // One program may hold those of several components.
        all.extend(listed.into_iter().filter(|it| it.component == *component));
    }
    Ok(all)
}

fn choose(request: &Request, cases: &[Arc<Case>], all: Vec<Counterexample>) -> Vec<Counterexample> {
    let is_wanted = |it: &Counterexample| match &it.clause {
        _ if request.clauses.is_empty() => true,
        Some(clause) => request.clauses.contains(clause),
        // The clauses may all be those of another component.
        None => !faced(request, it, cases).is_empty(),
    };
    all.into_iter()
        .filter(|it| request.components.is_empty() || request.components.contains(&it.component))
        .filter(|it| request.only.is_empty() || request.only.contains(&it.id))
        .filter(is_wanted)
        .collect()
}

/// The cases that a program has to face.
fn faced(
    request: &Request,
    counterexample: &Counterexample,
    cases: &[Arc<Case>],
) -> Vec<Arc<Case>> {
    cases
        .iter()
        .filter(|it| it.component == counterexample.component)
        .filter(|it| match &counterexample.clause {
            Some(clause) => it.clause == *clause,
            None => request.clauses.is_empty() || request.clauses.contains(&it.clause),
        })
        .cloned()
        .collect()
}

async fn try_all(
    request: &Request,
    manifest: &Manifest,
    cases: &[Arc<Case>],
    counterexamples: Vec<Counterexample>,
) -> anyhow::Result<Vec<Trial>> {
    let cancel = session::cancel_on_signal()?;
    let backends = Rc::new(Backends::new(Sandbox::create(false)?, Choice::Auto));
    backends.warm_up(&session::components(cases)).await;
    let total = counterexamples.len();
    let mut done = 0;
    let mut trials: Vec<Trial> = Vec::new();
    // The plain reference by itself: it is the one that must be in time.
    let (plain, wrong): (Vec<_>, Vec<_>) = counterexamples
        .into_iter()
        .partition(Counterexample::is_plain);
    for (programs, at_once) in [(plain, 1), (wrong, AT_ONCE)] {
        let mut running = futures::stream::iter(programs)
            .map(|it| {
                let faced = faced(request, &it, cases);
                trial(request, manifest, &backends, it, faced, &cancel)
            })
            .buffer_unordered(at_once);
        while let Some(trial) = running.next().await {
            done += 1;
            println!("[{done:3}/{total}] {}", table::line(&trial));
            trials.push(trial);
        }
    }
    backends.end().await;
    ensure!(!cancel.is_cancelled(), "interrupted by a signal");
    trials.sort_by_key(|it| order(&it.counterexample));
    Ok(trials)
}

/// In the contract's order, and by name within a clause.
fn order(counterexample: &Counterexample) -> (usize, String) {
    let place = counterexample.clause.as_ref().map_or(0, |clause| {
        1 + CATALOGUE
            .clauses()
            .position(|it| it == *clause)
            .unwrap_or(usize::MAX - 1)
    });
    (place, counterexample.id.clone())
}

async fn trial(
    request: &Request,
    manifest: &Manifest,
    backends: &Rc<Backends>,
    counterexample: Counterexample,
    cases: Vec<Arc<Case>>,
    cancel: &CancellationToken,
) -> Trial {
    let mut manifest = manifest.clone();
    if let Some(source) = manifest.components.get_mut(&counterexample.component) {
        source.command.push(counterexample.id.clone());
    }
    let judged = session::components(&cases);
    let site = Rc::new(Site::new(
        manifest,
        backends.clone(),
        request.patience,
        judged,
    ));
    let stage = Rc::new(Platform { site: site.clone() });
    let plan = Plan {
        jobs: if counterexample.is_standing() {
            STANDING_JOBS
        } else if counterexample.is_plain() {
            request.jobs.div_ceil(2)
        } else {
            request.jobs.div_ceil(AT_ONCE)
        },
        seed: request.seed,
        patience: request.patience,
        fail_fast: false,
        rerun: format!("conformance self-check --only {}", counterexample.id),
    };
    let steps = World::collection();
    let mut results = execute::execute(stage, steps, cases.clone(), &plan, &Silent, cancel).await;
    site.end().await;
    results.sort_by_key(|it| cases.iter().position(|case| Arc::ptr_eq(case, &it.case)));
    Trial {
        counterexample,
        results,
    }
}

struct Silent;

impl Watcher for Silent {
    fn started(&self, _: &Case) {}
    fn finished(&self, _: &ScenarioResult) {}
}

/// For each scenario by name: how many programs it caught.
fn catches(trials: &[Trial]) -> BTreeMap<&str, usize> {
    let mut catches = BTreeMap::new();
    for trial in trials
        .iter()
        .filter(|it| it.counterexample.clause.is_some())
    {
        for result in trial.catchers() {
            *catches.entry(result.case.name.as_str()).or_default() += 1;
        }
    }
    catches
}
