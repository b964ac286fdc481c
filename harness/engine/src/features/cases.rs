//! Creates cases from parsed features: each is one scenario for one component.

use std::sync::{Arc, LazyLock};

use gherkin::{Feature, Rule, Scenario, Step};
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::parse::Document;
use crate::catalogue::Catalogue;

/// One scenario, to be run for one component.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Case {
    /// The clause's id: `USR-7`.
    pub clause: String,
    /// The clause's title: `An email belongs to at most one user`.
    pub title: String,
    /// The full text of the clause.
    pub text: String,
    /// The component's name: `user-service`.
    pub component: String,
    /// The scenario's name; in that of an outline the columns are replaced by values.
    pub name: String,
    /// Path of the feature file: `users/email.feature`.
    pub feature: String,
    /// The scenario's line in the feature file.
    pub line: usize,
    /// Tags of feature, rule, scenario and examples, without `@`.
    pub tags: Vec<String>,
    /// The steps, those of the backgrounds first. Not serialized: a report contains only the step that did not pass.
    #[serde(skip)]
    pub steps: Vec<Step>,
}

impl Case {
    /// File and line of the scenario: `users/email.feature:12`.
    pub fn location(&self) -> String {
        format!("{}:{}", self.feature, self.line)
    }

    /// The capability that the scenario needs, from its tag `cap:NAME`.
    pub fn capability(&self) -> Option<&str> {
        self.tags.iter().find_map(|tag| tag.strip_prefix("cap:"))
    }

    /// Whether the scenario has this tag.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == tag)
    }
}

/// The name of a rule: a clause's id and title.
static CLAUSE_PATTERN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^([A-Z]{3}-[1-9][0-9]*) (\S.*)$").expect("a valid pattern"));

/// The clause's id and title from a rule's name; `None` if the name has another form.
pub fn clause_of(rule: &Rule) -> Option<(&str, &str)> {
    let captures = CLAUSE_PATTERN.captures(&rule.name)?;
    Some((captures.get(1)?.as_str(), captures.get(2)?.as_str()))
}

/// All cases: each scenario once for each component that its tags name.
///
/// Scenarios without a clause or component are left out; `conformance lint` reports them.
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

/// The tags of a scenario, including those of its examples, its rule and its feature.
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

/// The steps of a scenario, preceded by those of the backgrounds.
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
