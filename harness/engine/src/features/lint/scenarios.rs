//! Checks names, tags and steps of scenarios.

use std::collections::{BTreeSet, HashMap};

use gherkin::{Feature, Rule, Scenario, StepType};

use super::exemptions::{Exemptions, RuleName};
use crate::catalogue::Catalogue;
use crate::features::cases;
use crate::features::parse::{Document, LintError};

/// Maximum number of steps of a scenario, without those of its backgrounds.
const MAX_STEPS: usize = 7;

/// Checks that names of scenarios are unique.
pub(super) fn check_names(documents: &[Document]) -> Vec<LintError> {
    let mut first: HashMap<String, (String, usize)> = HashMap::new();
    let mut errors = Vec::new();
    for document in documents {
        for rule in &document.feature.rules {
            for scenario in &rule.scenarios {
                let here = (document.path.clone(), scenario.position.line);
                if let Some((path, line)) = first.get(&scenario.name) {
                    errors.push(LintError::new(&here.0, here.1, format!("the name {:?} is used twice; the first is at {path}:{line} (an outline's name needs a <column>)", scenario.name)));
                } else {
                    first.insert(scenario.name.clone(), here);
                }
            }
        }
    }
    errors
}

/// Checks that every scenario is in a rule, has a component's tag and a step, and that its capability is in the
/// catalogue.
pub(super) fn check_tags_and_rules(
    documents: &[Document],
    catalogue: &Catalogue,
) -> Vec<LintError> {
    let mut errors = Vec::new();
    for document in documents {
        for scenario in &document.feature.scenarios {
            errors.push(LintError::new(
                &document.path,
                scenario.position.line,
                format!(
                    "scenario {:?} is outside a clause: put it into a `Rule:`",
                    scenario.name
                ),
            ));
        }
        for rule in &document.feature.rules {
            for scenario in &rule.scenarios {
                let tags = cases::tags(&document.feature, rule, scenario);
                if catalogue.owners(&tags).is_empty() {
                    errors.push(LintError::new(
                        &document.path,
                        scenario.position.line,
                        format!("scenario {:?} has no tag of a component", scenario.name),
                    ));
                }
                let unknown = tags
                    .iter()
                    .filter_map(|tag| tag.strip_prefix("cap:"))
                    .find(|name| !catalogue.capabilities.contains(name));
                if let Some(name) = unknown {
                    errors.push(LintError::new(
                        &document.path,
                        scenario.position.line,
                        format!("capability {name:?} is not in the catalogue"),
                    ));
                }
                if scenario.steps.is_empty() {
                    errors.push(LintError::new(
                        &document.path,
                        scenario.position.line,
                        format!("scenario {:?} has no step", scenario.name),
                    ));
                }
            }
        }
    }
    errors
}

/// Checks that every scenario has a `When` and not too many steps. An outline is checked once.
pub(super) fn check_steps(documents: &[Document], exemptions: &Exemptions) -> Vec<LintError> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for document in documents {
        let feature = &document.feature;
        for (rule, scenario) in scenarios(feature) {
            let line = scenario.position.line;
            if !seen.insert((&document.path, line)) {
                continue;
            }
            let steps = cases::steps(feature, rule, scenario);
            let acts = steps.iter().any(|step| step.ty == StepType::When);
            if !acts && !exemptions.covers(RuleName::NoWhen, &scenario.name) {
                let problem = format!(
                    "scenario {:?} has no When: add one, or exempt it with a reason",
                    scenario.name
                );
                errors.push(LintError::new(&document.path, line, problem));
            }
            let count = scenario.steps.len();
            if count > MAX_STEPS && !exemptions.covers(RuleName::TooManySteps, &scenario.name) {
                let problem = format!(
                    "scenario {:?} has {count} steps, at most {MAX_STEPS} are allowed: split it, or exempt it with a reason",
                    scenario.name
                );
                errors.push(LintError::new(&document.path, line, problem));
            }
        }
    }
    errors
}

fn scenarios(feature: &Feature) -> impl Iterator<Item = (&Rule, &Scenario)> {
    let rules = feature.rules.iter();
    rules.flat_map(|rule| rule.scenarios.iter().map(move |scenario| (rule, scenario)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::parse::{self, FeatureSource};

    fn lint(steps: &[&str], exemptions: &str) -> Vec<String> {
        let text = format!(
            "Feature: x\n  Rule: USR-7 y\n    The text.\n\n    Scenario: z\n      {}\n",
            steps.join("\n      ")
        );
        let path = "x.feature".to_owned();
        let documents = parse::parse(&[FeatureSource { path, text }]).expect("a feature");
        let exemptions = Exemptions::parse(exemptions).expect("exemptions");
        let errors = check_steps(&documents, &exemptions);
        errors.into_iter().map(|error| error.problem).collect()
    }

    #[test]
    fn a_scenario_without_a_when_is_an_error_unless_it_is_exempt() {
        let steps = ["Given a user", "Then it is there"];
        let errors = lint(&steps, "");
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains("scenario \"z\" has no When"));
        let exempt = "[[exempt]]\nrule = \"no-when\"\nreason = \"x\"\nnames = [\"z\"]\n";
        assert_eq!(lint(&steps, exempt), Vec::<String>::new());
    }

    #[test]
    fn seven_steps_are_allowed_and_eight_are_not() {
        let mut steps = vec!["When it is done"];
        steps.extend(["And it is done"; 6]);
        assert_eq!(lint(&steps, ""), Vec::<String>::new());
        steps.push("Then it is there");
        let errors = lint(&steps, "");
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains("has 8 steps"));
    }
}
