//! `conformance lint`: features against catalogue and steps.

use clap::Args;
use conformance_engine::lint;
use conformance_engine::run::cases;
use cucumber::World as _;

use super::FeatureArguments;
use crate::catalogue::CATALOGUE;
use crate::features;
use crate::world::World;

#[derive(Args)]
pub struct LintArguments {
    #[command(flatten)]
    features: FeatureArguments,
}

pub fn main(arguments: &LintArguments) -> anyhow::Result<u8> {
    let documents = features::load(arguments.features.features.as_deref())?;
    let patterns = lint::patterns::<World>();
    let flaws = lint::lint(&documents, &CATALOGUE, &World::collection(), &patterns);
    for flaw in &flaws {
        println!("{flaw}");
    }
    let count = cases::cases(&documents, &CATALOGUE).len();
    println!(
        "{count} scenarios, {} steps, {} flaws",
        patterns.len(),
        flaws.len()
    );
    println!("not judged yet: {}", CATALOGUE.pending().join(", "));
    Ok(u8::from(!flaws.is_empty()))
}
