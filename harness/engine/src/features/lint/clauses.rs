//! Checks rules against the catalogue: every clause has one.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalogue::Catalogue;
use crate::features::cases;
use crate::features::parse::{Document, LintError};

/// Checks that every clause of the catalogue is pending or has one rule, with a text and at least one scenario.
pub(super) fn check_clauses(documents: &[Document], catalogue: &Catalogue) -> Vec<LintError> {
    let mut errors = Vec::new();
    let mut first_rules: BTreeMap<String, (String, usize)> = BTreeMap::new();
    let pending: BTreeSet<String> = catalogue.pending().into_iter().collect();
    for document in documents {
        for rule in &document.feature.rules {
            let line = rule.position.line;
            let Some((id, _)) = cases::clause_of(rule) else {
                errors.push(LintError::new(
                    &document.path,
                    line,
                    format!(
                        "the title of rule {:?} does not start with a clause: begin it with an id, `USR-7 ...`",
                        rule.name
                    ),
                ));
                continue;
            };
            if !catalogue.has_clause(id) {
                errors.push(LintError::new(
                    &document.path,
                    line,
                    format!("{id} is not a clause of the catalogue"),
                ));
            }
            if rule.scenarios.is_empty() {
                errors.push(LintError::new(
                    &document.path,
                    line,
                    format!("clause {id} has no scenario"),
                ));
            }
            if rule
                .description
                .as_deref()
                .is_none_or(|text| text.trim().is_empty())
            {
                errors.push(LintError::new(
                    &document.path,
                    line,
                    format!("clause {id} has no text: write it below the rule's title"),
                ));
            }
            if pending.contains(id) {
                errors.push(LintError::new(&document.path, line, format!("clause {id} has a rule, but is pending in the catalogue: remove it from `pending`")));
            }
            if let Some((path, first)) =
                first_rules.insert(id.to_owned(), (document.path.clone(), line))
            {
                errors.push(LintError::new(
                    &document.path,
                    line,
                    format!("clause {id} has a second rule; the first is at {path}:{first}"),
                ));
            }
        }
    }
    for id in catalogue.clauses() {
        if !first_rules.contains_key(&id) && !pending.contains(&id) {
            errors.push(LintError::general(format!(
                "clause {id} has no rule in any feature and is not pending in the catalogue"
            )));
        }
    }
    errors
}
