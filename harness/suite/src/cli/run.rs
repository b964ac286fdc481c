//! `conformance run`: scenarios against an implementation, to a verdict.

use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use conformance_engine::backends::provider::Choice;
use conformance_engine::features::select::Profile;
use conformance_engine::features::select::Selection;
use conformance_engine::observe::Patience;
use conformance_engine::report::verdict_json;

use super::FeatureArguments;
use crate::contract::catalogue::CATALOGUE;
use crate::session::{self, RunRequest};

#[derive(Args, Clone, Debug, Default)]
pub struct SelectArguments {
    /// Only this component; may be given more than once
    #[arg(long, value_name = "C")]
    component: Vec<String>,
    /// core: without what needs a capability; full: everything that is declared
    #[arg(long, value_enum)]
    profile: Option<ProfileArgument>,
    /// A tag expression: '@property and not @slow'
    #[arg(long, value_name = "EXPR")]
    tags: Option<String>,
    /// A regular expression to be found in the scenario's name
    #[arg(long, value_name = "REGEX")]
    name: Option<String>,
    /// Only this clause: USR-7; may be given more than once
    #[arg(long, value_name = "CLAUSE")]
    clause: Vec<String>,
    /// Without what is tagged @slow; the verdict is partial at best
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProfileArgument {
    Core,
    Full,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum BackendsArgument {
    #[default]
    Auto,
    Process,
    Container,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one switch of the command line, and any combination is allowed"
)]
#[derive(Args, Clone, Debug)]
pub struct RunArguments {
    /// What is judged
    #[arg(long, value_name = "FILE", default_value = "conformance.toml")]
    pub manifest: PathBuf,
    #[command(flatten)]
    select: SelectArguments,
    #[command(flatten)]
    pub features: FeatureArguments,
    /// Where backends come from; auto: a server that a variable names, else a program, else a container
    #[arg(long, value_enum, default_value_t)]
    backends: BackendsArgument,
    /// How many scenarios at once [default: twenty for each core, fewer for a program that is slow to start]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Of the order of scenarios and of what properties draw [default: random, printed]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How much slower than two idle cores this machine is: 1 to 100
    #[arg(long, value_name = "F", default_value_t = 1.0)]
    patience: f64,
    /// Only what failed or ended in error in the report of --report
    #[arg(long, requires = "report")]
    failed: bool,
    /// Stop at the first failure
    #[arg(long)]
    fail_fast: bool,
    /// Accept that a backend is missing: its scenarios are not run, the verdict is partial
    #[arg(long)]
    allow_missing: bool,
    /// Write verdict.json and junit.xml into this folder
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Say where the time went
    #[arg(long)]
    timings: bool,
    /// Keep the folder of the run, with the backends' logs
    #[arg(long)]
    keep: bool,
}

impl SelectArguments {
    /// The selection, or which argument is wrong and what is allowed.
    pub fn selection(&self) -> anyhow::Result<Selection> {
        for name in &self.component {
            let known: Vec<_> = CATALOGUE.components.iter().map(|it| it.name).collect();
            anyhow::ensure!(
                known.contains(&name.as_str()),
                "unknown component {name:?}; allowed: {}",
                known.join(", ")
            );
        }
        let clauses: Vec<String> = self.clause.iter().map(|it| it.to_uppercase()).collect();
        for clause in &clauses {
            anyhow::ensure!(
                CATALOGUE.has_clause(clause),
                "unknown clause {clause:?}; `conformance list` shows them"
            );
        }
        let tags = self.tags.as_deref().map(str::parse).transpose();
        let name = self.name.as_deref().map(regex::Regex::new).transpose();
        Ok(Selection {
            components: self.component.clone(),
            profile: self.profile.map(|profile| match profile {
                ProfileArgument::Core => Profile::Core,
                ProfileArgument::Full => Profile::Full,
            }),
            tags: tags.context("--tags is no tag expression such as '@property and not @slow'")?,
            name: name.context("--name is no regular expression")?,
            clauses,
            quick: self.quick,
            only: None,
        })
    }
}

pub fn main(arguments: &RunArguments) -> anyhow::Result<u8> {
    let mut selection = arguments.select.selection()?;
    if arguments.failed {
        let report = arguments.report.as_deref().expect("clap demands it");
        selection.only = Some(failed_before(report)?);
    }
    let patience = Patience::new(arguments.patience)
        .with_context(|| format!("--patience {} is not between 1 and 100", arguments.patience))?;
    session::run(&RunRequest {
        manifest: arguments.manifest.clone(),
        features: arguments.features.features.clone(),
        selection,
        backends: match arguments.backends {
            BackendsArgument::Auto => Choice::Auto,
            BackendsArgument::Process => Choice::Process,
            BackendsArgument::Container => Choice::Container,
        },
        jobs: arguments.jobs.map(usize::from),
        seed: arguments
            .seed
            .unwrap_or_else(|| u64::from(rand::random::<u32>())),
        patience,
        fail_fast: arguments.fail_fast,
        allow_missing: arguments.allow_missing,
        report: arguments.report.clone(),
        timings: arguments.timings,
        keep: arguments.keep,
    })
}

/// What failed or ended in error in an earlier report.
fn failed_before(report: &std::path::Path) -> anyhow::Result<HashSet<(String, String, String)>> {
    let path = report.join("verdict.json");
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!(
            "--failed needs an earlier report, and {} cannot be read",
            path.display()
        )
    })?;
    let verdict = verdict_json::parse(&text)
        .with_context(|| format!("{} is not a report of this suite", path.display()))?;
    let failed: HashSet<_> = verdict
        .failed()
        .map(|entry| {
            (
                entry.component.clone(),
                entry.clause.clone(),
                entry.name.clone(),
            )
        })
        .collect();
    anyhow::ensure!(
        !failed.is_empty(),
        "{} holds no failed scenario",
        path.display()
    );
    Ok(failed)
}
