//! `conformance lint`: features against catalogue and steps.

use std::io::Write as _;

use clap::Args;
use conformance_engine::features::cases;
use conformance_engine::features::lint;
use cucumber::World as _;

use super::FeatureArguments;
use crate::contract::catalogue::CATALOGUE;
use crate::features;
use crate::world::World;

#[derive(Args)]
pub struct LintArguments {
    #[command(flatten)]
    features: FeatureArguments,
}

pub fn main(arguments: &LintArguments) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    let documents = features::load(arguments.features.features.as_deref())?;
    let patterns = lint::patterns::<World>();
    let flaws = lint::lint(&documents, &CATALOGUE, &World::collection(), &patterns);
    for flaw in &flaws {
        writeln!(out, "{flaw}")?;
    }
    let count = cases::cases(&documents, &CATALOGUE).len();
    writeln!(
        out,
        "{count} scenarios, {} steps, {} flaws",
        patterns.len(),
        flaws.len()
    )?;
    writeln!(out, "not judged yet: {}", CATALOGUE.pending().join(", "))?;
    Ok(u8::from(!flaws.is_empty()))
}
