//! `conformance self-check`: the mutants.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use conformance_engine::observe::Patience;

use super::FeatureArguments;
use crate::contract::catalogue::CATALOGUE;
use crate::self_check::{self, Request, Shard};

#[derive(Args, Clone, Debug)]
pub struct SelfCheckArguments {
    /// Describes the program that holds the mutants
    #[arg(
        long,
        value_name = "FILE",
        default_value = "harness/mutants/conformance.toml"
    )]
    manifest: PathBuf,
    /// Only those that break this clause; may be given more than once
    #[arg(long, value_name = "CLAUSE")]
    clause: Vec<String>,
    /// Only those of this component; may be given more than once
    #[arg(long, value_name = "C")]
    component: Vec<String>,
    /// Only this mutant; may be given more than once
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// Only one of N parts of all mutants
    #[arg(long, value_name = "K/N", conflicts_with = "only")]
    shard: Option<Shard>,
    #[command(flatten)]
    features: FeatureArguments,
    /// Keep the table of which scenario kills which mutant in this file; only of all clauses, since it would lose the others
    #[arg(long, value_name = "FILE", conflicts_with_all = ["clause", "component", "only", "shard"])]
    table: Option<PathBuf>,
    /// Instead of these, mutants that operators make of the reference, for a mutation score
    #[arg(long, conflicts_with_all = ["only", "shard", "table"])]
    generated: bool,
    /// Only so many generated mutants, taken at random by the seed
    #[arg(long, value_name = "N", requires = "generated")]
    sample: Option<usize>,
    /// How many scenarios at once [default: 24 for each core]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Of the order of scenarios and of what properties draw
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How much slower than two idle cores this machine is
    #[arg(long, value_name = "F", default_value_t = 1.0)]
    patience: f64,
}

pub fn main(arguments: &SelfCheckArguments) -> anyhow::Result<u8> {
    let clauses: Vec<String> = arguments
        .clause
        .iter()
        .map(|it| it.to_uppercase())
        .collect();
    for clause in &clauses {
        anyhow::ensure!(
            CATALOGUE.has_clause(clause),
            "unknown clause {clause:?}; `conformance list` shows them"
        );
    }
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let request = Request {
        manifest: arguments.manifest.clone(),
        features: arguments.features.features.clone(),
        components: arguments.component.clone(),
        clauses,
        only: arguments.only.clone(),
        shard: arguments.shard,
        table: arguments.table.clone(),
        jobs: arguments.jobs.unwrap_or(24 * cores).max(1),
        seed: arguments.seed,
        patience: Patience::new(arguments.patience).with_context(|| {
            format!("--patience {} is not between 1 and 100", arguments.patience)
        })?,
    };
    if arguments.generated {
        self_check::run_generated(&request, arguments.sample)
    } else {
        self_check::run(&request)
    }
}
