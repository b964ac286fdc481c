//! Rules against the catalogue: every clause has one, and no number is left out.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalogue::Catalogue;
use crate::features::cases;
use crate::features::parse::{Document, LintError};

/// Every clause of the catalogue has one rule with a scenario, or is pending; no number is left out.
pub(super) fn clauses(documents: &[Document], catalogue: &Catalogue) -> Vec<LintError> {
    let mut errors = Vec::new();
    let mut ruled: BTreeMap<String, (String, usize)> = BTreeMap::new();
    let pending: BTreeSet<String> = catalogue.pending().into_iter().collect();
    for document in documents {
        for rule in &document.feature.rules {
            let line = rule.position.line;
            let Some((id, _)) = cases::clause_of(rule) else {
                errors.push(LintError::new(
                    &document.path,
                    line,
                    format!(
                        "rule {:?} is not titled with a clause: begin it with an id, `USR-7 ...`",
                        rule.name
                    ),
                ));
                continue;
            };
            if !catalogue.has_clause(id) {
                errors.push(LintError::new(
                    &document.path,
                    line,
                    format!("{id} is no clause of the catalogue"),
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
                .is_none_or(|it| it.trim().is_empty())
            {
                errors.push(LintError::new(
                    &document.path,
                    line,
                    format!("clause {id} lacks its text: put it below the rule's title"),
                ));
            }
            if pending.contains(id) {
                errors.push(LintError::new(&document.path, line, format!("clause {id} has a rule and is pending in the catalogue: take it off the list")));
            }
            if let Some((path, first)) = ruled.insert(id.to_owned(), (document.path.clone(), line))
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
        if !ruled.contains_key(&id) && !pending.contains(&id) {
            errors.push(LintError::general(format!("a gap in the numbers: {id} has no rule in any feature and is not pending in the catalogue")));
        }
    }
    errors
}
