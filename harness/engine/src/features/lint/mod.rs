//! Checks features against catalogue and step functions, without running them.
//!
//! - `definitions`: lists the step functions of a suite
//! - [`exemptions`]: exemptions from lint rules, with reasons
//! - `clauses`: checks rules against the catalogue
//! - `scenarios`: checks names, tags and size of scenarios
//! - `steps`: checks steps against step functions
//! - `functions`: checks the source code of step functions

mod clauses;
mod definitions;
pub mod exemptions;
mod functions;
mod scenarios;
mod steps;

use std::path::Path;

use cucumber::step;

use super::parse::{Document, LintError};
use crate::catalogue::Catalogue;
pub use definitions::{StepDefinition, step_definitions};
use exemptions::{Exemptions, RuleName};

/// The result of lint.
#[derive(Debug)]
pub struct Findings {
    /// All errors, ordered by file and line.
    pub errors: Vec<LintError>,
    /// Number of step functions whose source was checked; 0 outside of the repository.
    pub checked_functions: usize,
}

/// Checks the features, and the step functions whose source files are below `root`.
pub fn lint<W>(
    documents: &[Document],
    catalogue: &Catalogue,
    collection: &step::Collection<W>,
    definitions: &[StepDefinition],
    exemptions: &Exemptions,
    root: &Path,
) -> Findings {
    let mut errors = Vec::new();
    errors.extend(clauses::check_clauses(documents, catalogue));
    errors.extend(scenarios::check_names(documents));
    errors.extend(scenarios::check_tags_and_rules(documents, catalogue));
    errors.extend(scenarios::check_steps(documents, exemptions));
    errors.extend(steps::check_matches(documents, collection));
    errors.extend(steps::check_unused(documents, definitions));
    let read = functions::read_functions(root, definitions);
    errors.extend(functions::check_functions(&read, exemptions));
    let mut checked = vec![RuleName::NoWhen, RuleName::TooManySteps];
    if !read.is_empty() {
        checked.extend([RuleName::ActingThen, RuleName::LongStep]);
    }
    errors.extend(exemptions.stale(&checked));
    errors.sort();
    errors.dedup();
    Findings {
        errors,
        checked_functions: read.len(),
    }
}
