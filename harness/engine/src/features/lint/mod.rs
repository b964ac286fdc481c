//! Features against catalogue and steps, without running anything.
//!
//! - `patterns`: the step functions of a suite
//! - [`exemptions`]: what would be refused, and why it stays
//! - `clauses`: rules against the catalogue
//! - `scenarios`: names, tags and shape of scenarios
//! - `steps`: steps against step functions
//! - `functions`: the source of step functions

mod clauses;
pub mod exemptions;
mod functions;
mod patterns;
mod scenarios;
mod steps;

use std::path::Path;

use cucumber::step;

use super::parse::{Document, LintError};
use crate::catalogue::Catalogue;
use exemptions::{Exemptions, RuleName};
pub use patterns::{Pattern, patterns};

/// What lint found.
#[derive(Debug)]
pub struct Findings {
    /// Everything that is wrong, in the order of files and lines.
    pub errors: Vec<LintError>,
    /// How many step functions were read; none outside of the repository.
    pub functions: usize,
}

/// Checks the features, and the step functions whose sources are below `root`.
pub fn lint<W>(
    documents: &[Document],
    catalogue: &Catalogue,
    collection: &step::Collection<W>,
    patterns: &[Pattern],
    exemptions: &Exemptions,
    root: &Path,
) -> Findings {
    let mut errors = Vec::new();
    errors.extend(clauses::clauses(documents, catalogue));
    errors.extend(scenarios::names(documents));
    errors.extend(scenarios::structure(documents, catalogue));
    errors.extend(scenarios::shape(documents, exemptions));
    errors.extend(steps::matches(documents, collection));
    errors.extend(steps::unused(documents, patterns));
    let read = functions::read(root, patterns);
    errors.extend(functions::functions(&read, exemptions));
    let mut checked = vec![RuleName::NoWhen, RuleName::TooManySteps];
    if !read.is_empty() {
        checked.extend([RuleName::ActingThen, RuleName::LongStep]);
    }
    errors.extend(exemptions.stale(&checked));
    errors.sort();
    errors.dedup();
    Findings {
        errors,
        functions: read.len(),
    }
}
