//! Which cases a run executes: a filter whose parts must all agree.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use cucumber::tag::Ext as _;
use gherkin::tagexpr::TagOperation;
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::cases::Case;
use crate::manifest::Manifest;

/// Which part of the contract a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// What every implementation must do: the scenarios that need no capability.
    Core,
    /// The core and every capability; those that are not declared count as skipped.
    Full,
}

impl Profile {
    /// Both, in the order of every report.
    pub const ALL: [Self; 2] = [Self::Core, Self::Full];

    /// The word for it in every report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Full => "full",
        }
    }

    /// Whether the case belongs to it.
    pub fn holds(self, case: &Case) -> bool {
        self == Self::Full || case.capability().is_none()
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What the command line selects; the default selects everything.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// `--component`; none means all of the manifest.
    pub components: Vec<String>,
    /// `--profile`; none means full.
    pub profile: Option<Profile>,
    /// `--tags`.
    pub tags: Option<TagOperation>,
    /// `--name`, searched within the scenario's name.
    pub name: Option<Regex>,
    /// `--clause`; none means all.
    pub clauses: Vec<String>,
    /// `--quick`: without `@slow`.
    pub quick: bool,
    /// `--failed`: these alone, by component, clause and name.
    pub only: Option<HashSet<(String, String, String)>>,
}

impl Selection {
    /// Whether the case is selected.
    pub fn takes(&self, case: &Case) -> bool {
        (self.components.is_empty() || self.components.contains(&case.component))
            && (self.profile != Some(Profile::Core) || case.capability().is_none())
            && self.tags.as_ref().is_none_or(|it| it.eval(&case.tags))
            && self.name.as_ref().is_none_or(|it| it.is_match(&case.name))
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

/// The cases of the manifest's components, parted by what becomes of them.
#[derive(Debug, Default)]
pub struct Selected {
    /// To be executed.
    pub run: Vec<Arc<Case>>,
    /// Selected, but their capability is not declared: each with the reason.
    pub skipped: Vec<(Arc<Case>, String)>,
    /// Not selected.
    pub deselected: Vec<Arc<Case>>,
}

/// Parts the cases; those of components that the manifest does not name are left out.
pub fn select(cases: &[Arc<Case>], selection: &Selection, manifest: &Manifest) -> Selected {
    let mut selected = Selected::default();
    for case in cases {
        if !manifest.components.contains_key(&case.component) {
            continue;
        }
        if !selection.takes(case) {
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
