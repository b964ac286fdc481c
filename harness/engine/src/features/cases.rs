//! Parsed features become cases: one scenario for one component.

use std::sync::{Arc, LazyLock};

use gherkin::{Feature, Rule, Scenario, Step};
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::parse::Document;
use crate::catalogue::Catalogue;

/// One scenario, to be run for one component.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Case {
    /// `USR-7`.
    pub clause: String,
    /// `An email belongs to at most one user`.
    pub title: String,
    /// The clause in full.
    pub text: String,
    /// `user-service`.
    pub component: String,
    /// The scenario's name, with its outline's columns filled in.
    pub name: String,
    /// `users/email.feature`.
    pub feature: String,
    /// The scenario's line in it.
    pub line: usize,
    /// Of feature, rule, scenario and examples, without `@`.
    pub tags: Vec<String>,
    /// Those of the backgrounds first; a report holds only the one that did not pass.
    #[serde(skip)]
    pub steps: Vec<Step>,
}

impl Case {
    /// `users/email.feature:12`.
    pub fn location(&self) -> String {
        format!("{}:{}", self.feature, self.line)
    }

    /// The capability that it needs, by its tag `cap:NAME`.
    pub fn capability(&self) -> Option<&str> {
        self.tags.iter().find_map(|tag| tag.strip_prefix("cap:"))
    }

    /// Whether it has this tag.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|it| it == tag)
    }
}

static CLAUSE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^([A-Z]{3}-[1-9][0-9]*) (\S.*)$").expect("a valid pattern"));

/// The clause id and the title of a rule's name.
pub fn clause_of(rule: &Rule) -> Option<(&str, &str)> {
    let captures = CLAUSE.captures(&rule.name)?;
    Some((captures.get(1)?.as_str(), captures.get(2)?.as_str()))
}

/// Every case of the documents: each scenario once for each component that its tags name.
///
/// What no clause or no component owns makes no case; `conformance lint` reports it.
pub fn cases(documents: &[Document], catalogue: &Catalogue) -> Vec<Arc<Case>> {
    let mut cases = Vec::new();
    for document in documents {
        for rule in &document.feature.rules {
            let Some((clause, title)) = clause_of(rule) else {
                continue;
            };
            for scenario in &rule.scenarios {
                let tags = tags(&document.feature, rule, scenario);
                for component in catalogue.owners(&tags) {
                    cases.push(Arc::new(Case {
                        clause: clause.to_owned(),
                        title: title.to_owned(),
                        text: paragraph(rule.description.as_deref()),
                        component: component.to_owned(),
                        name: scenario.name.clone(),
                        feature: document.path.clone(),
                        line: scenario.position.line,
                        tags: tags.clone(),
                        steps: steps(&document.feature, rule, scenario),
                    }));
                }
            }
        }
    }
    cases
}

/// The tags of a scenario, with those of its rule and its feature.
pub fn tags(feature: &Feature, rule: &Rule, scenario: &Scenario) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    let all = feature.tags.iter().chain(&rule.tags).chain(&scenario.tags);
    for tag in all.chain(scenario.examples.iter().flat_map(|it| &it.tags)) {
        let tag = tag.trim_start_matches('@');
        if !tags.iter().any(|it| it == tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}

/// The steps of a scenario, those of the backgrounds first.
pub(super) fn steps(feature: &Feature, rule: &Rule, scenario: &Scenario) -> Vec<Step> {
    let backgrounds = [&feature.background, &rule.background];
    backgrounds
        .into_iter()
        .flatten()
        .flat_map(|it| &it.steps)
        .chain(&scenario.steps)
        .cloned()
        .collect()
}

/// A description as one paragraph, without the indentation of its lines.
fn paragraph(description: Option<&str>) -> String {
    description
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
