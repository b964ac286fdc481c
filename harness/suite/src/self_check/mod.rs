//! The self-check: every mutant must be killed, and every scenario must kill one.
//!
//! - [`Mutant`]: what the program of mutants says of each
//! - `shard`: parts of all mutants
//! - `trials`: programs on trial
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
mod shard;
mod table;
mod trials;
mod weave;
mod workspace;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use conformance_engine::features::cases::{self, Case};
use conformance_engine::manifest::Manifest;
use conformance_engine::observe::Patience;
use conformance_engine::run::scenario;
use serde::Deserialize;

pub use self::shard::Shard;
use self::trials::{Trial, faced, try_all};
use crate::contract::catalogue::CATALOGUE;

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
