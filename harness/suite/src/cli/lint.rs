//! `conformance lint`: features against catalogue and steps.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use clap::Args;
use conformance_engine::features::cases;
use conformance_engine::features::lint;
use conformance_engine::features::lint::exemptions::Exemptions;
use cucumber::World as _;

use super::FeatureArguments;
use crate::contract::catalogue::CATALOGUE;
use crate::features;
use crate::world::World;

/// What lint would refuse, and why it stays.
const EXEMPTIONS: &str = include_str!("../../lint.toml");

#[derive(Args)]
pub struct LintArguments {
    #[command(flatten)]
    features: FeatureArguments,
}

pub fn main(arguments: &LintArguments) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    let documents = features::load(arguments.features.features.as_deref())?;
    let definitions = lint::step_definitions::<World>();
    let exemptions = Exemptions::parse(EXEMPTIONS).context("lint.toml of the suite")?;
    let findings = lint::lint(
        &documents,
        &CATALOGUE,
        &World::collection(),
        &definitions,
        &exemptions,
        Path::new("."),
    );
    let errors = &findings.errors;
    for error in errors {
        writeln!(out, "{error}")?;
    }
    let count = cases::cases(&documents, &CATALOGUE).len();
    writeln!(
        out,
        "{count} scenarios, {} steps, {} errors",
        definitions.len(),
        errors.len()
    )?;
    if findings.checked_functions == 0 {
        writeln!(out, "the sources of the steps are not here: not checked")?;
    }
    writeln!(out, "not judged yet: {}", CATALOGUE.pending().join(", "))?;
    Ok(u8::from(!errors.is_empty()))
}
