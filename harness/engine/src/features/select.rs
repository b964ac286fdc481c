//! Selects the cases that a run executes.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use cucumber::tag::Ext as _;
use gherkin::tagexpr::TagOperation;
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::cases::Case;
use crate::manifest::Manifest;

/// The part of the contract that a verdict covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// The scenarios without a capability, which every implementation must pass.
    Core,
    /// All scenarios. Those of undeclared capabilities count as skipped.
    Full,
}

impl Profile {
    /// Both profiles, in the order of reports.
    pub const ALL: [Self; 2] = [Self::Core, Self::Full];

    /// The name in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Full => "full",
        }
    }

    /// Whether the case belongs to this profile.
    pub fn contains(self, case: &Case) -> bool {
        self == Self::Full || case.capability().is_none()
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The selection by command line options; a case must match all of them. The default selects all cases.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// `--component`; empty means all components of the manifest.
    pub components: Vec<String>,
    /// `--profile`; `None` means full.
    pub profile: Option<Profile>,
    /// `--tags`: an expression over tags.
    pub tags: Option<TagOperation>,
    /// `--name`: a pattern that is searched in the scenario's name.
    pub name: Option<Regex>,
    /// `--clause`; empty means all clauses.
    pub clauses: Vec<String>,
    /// `--quick`: excludes scenarios tagged `@slow`.
    pub quick: bool,
    /// `--failed`: only these cases, by component, clause and scenario name.
    pub only: Option<HashSet<(String, String, String)>>,
}

impl Selection {
    /// Whether the case is selected.
    pub fn matches(&self, case: &Case) -> bool {
        (self.components.is_empty() || self.components.contains(&case.component))
            && (self.profile != Some(Profile::Core) || case.capability().is_none())
            && self
                .tags
                .as_ref()
                .is_none_or(|expression| expression.eval(&case.tags))
            && self
                .name
                .as_ref()
                .is_none_or(|pattern| pattern.is_match(&case.name))
            && (self.clauses.is_empty() || self.clauses.contains(&case.clause))
            && !(self.quick && case.has_tag("slow"))
            && self.only.as_ref().is_none_or(|only| {
                only.contains(&(
                    case.component.clone(),
                    case.clause.clone(),
                    case.name.clone(),
                ))
            })
    }
}

/// The cases of the manifest's components: executed, skipped and deselected ones.
#[derive(Debug, Default)]
pub struct Selected {
    /// Cases to execute.
    pub run: Vec<Arc<Case>>,
    /// Selected cases whose capability is not declared, each with the reason for the skip.
    pub skipped: Vec<(Arc<Case>, String)>,
    /// Cases that do not match the selection.
    pub deselected: Vec<Arc<Case>>,
}

/// Applies a selection. Cases of components that are not in the manifest are left out.
pub fn select(cases: &[Arc<Case>], selection: &Selection, manifest: &Manifest) -> Selected {
    let mut selected = Selected::default();
    for case in cases {
        if !manifest.components.contains_key(&case.component) {
            continue;
        }
        if !selection.matches(case) {
            selected.deselected.push(case.clone());
            continue;
        }
        match case.capability() {
            Some(name) if !manifest.capabilities.iter().any(|it| it == name) => {
                let reason = format!("capability {name} is not declared");
                selected.skipped.push((case.clone(), reason));
            }
            _ => selected.run.push(case.clone()),
        }
    }
    selected
}
