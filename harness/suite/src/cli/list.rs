//! `conformance list`: scenarios without running them; steps that exist.

use std::fmt::Write as _;

use clap::Args;
use conformance_engine::features::cases;
use conformance_engine::features::lint;

use super::FeatureArguments;
use super::run::SelectArguments;
use crate::contract::catalogue::CATALOGUE;
use crate::features;
use crate::world::World;

#[derive(Args)]
pub struct ListArguments {
    #[command(flatten)]
    select: SelectArguments,
    #[command(flatten)]
    features: FeatureArguments,
    /// List the steps that exist, to write scenarios with
    #[arg(long)]
    steps: bool,
}

pub fn main(arguments: &ListArguments) -> anyhow::Result<u8> {
    let mut out = String::new();
    if arguments.steps {
        for definition in lint::step_definitions::<World>() {
            writeln!(
                out,
                "{:5} {}   ({})",
                definition.kind, definition.regex, definition.location
            )?;
        }
        super::print(&out)?;
        return Ok(0);
    }
    let documents = features::load(arguments.features.features.as_deref())?;
    let selection = arguments.select.selection()?;
    let mut listed = 0_usize;
    for case in cases::cases(&documents, &CATALOGUE) {
        if selection.matches(&case) {
            listed += 1;
            writeln!(
                out,
                "{:7} {:13} {}   {}",
                case.clause,
                case.component,
                case.name,
                case.location()
            )?;
        }
    }
    anyhow::ensure!(
        listed > 0,
        "the selection matches no scenario; `conformance list` without options shows all"
    );
    writeln!(
        out,
        "{listed} scenarios; not judged yet: {}",
        CATALOGUE.pending().join(", ")
    )?;
    super::print(&out)?;
    Ok(0)
}
