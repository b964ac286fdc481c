//! `conformance explain`: a clause and its scenarios.

use std::fmt::Write as _;

use clap::Args;
use conformance_engine::features::cases;

use super::FeatureArguments;
use crate::contract::catalogue::CATALOGUE;
use crate::features;

#[derive(Args)]
pub struct ExplainArguments {
    /// The clause's id: USR-7
    clause: String,
    #[command(flatten)]
    features: FeatureArguments,
}

pub fn main(arguments: &ExplainArguments) -> anyhow::Result<u8> {
    let mut out = String::new();
    let id = arguments.clause.to_uppercase();
    anyhow::ensure!(
        CATALOGUE.has_clause(&id),
        "{id} is no clause of the contract; `conformance list` shows those with scenarios"
    );
    let documents = features::load(arguments.features.features.as_deref())?;
    let cases = cases::cases(&documents, &CATALOGUE);
    let mut found = cases.iter().filter(|it| it.clause == id).peekable();
    let Some(first) = found.peek() else {
        super::print(&format!(
            "{id} has no scenario yet: no verdict claims it.\n"
        ))?;
        return Ok(0);
    };
    writeln!(out, "{id}  {}\n\n{}\n", first.title, first.text)?;
    for case in found {
        writeln!(
            out,
            "  {} ({}, {})",
            case.name,
            case.component,
            case.location()
        )?;
        for step in &case.steps {
            writeln!(out, "      {} {}", step.keyword.trim(), step.value)?;
        }
    }
    super::print(&out)?;
    Ok(0)
}
