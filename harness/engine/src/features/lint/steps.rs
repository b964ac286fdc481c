//! Checks that each step matches exactly one step definition, and that each definition is used.

use std::collections::BTreeSet;

use cucumber::step;
use gherkin::Step;

use super::definitions::StepDefinition;
use crate::features::parse::{Document, LintError};

fn all_steps(documents: &[Document]) -> impl Iterator<Item = (&Document, &Step)> {
    documents.iter().flat_map(|document| {
        let feature = &document.feature;
        let in_rules = feature.rules.iter().flat_map(|rule| {
            let background = rule.background.iter().flat_map(|it| &it.steps);
            background.chain(rule.scenarios.iter().flat_map(|it| &it.steps))
        });
        let background = feature.background.iter().flat_map(|it| &it.steps);
        let outside = feature.scenarios.iter().flat_map(|it| &it.steps);
        background
            .chain(outside)
            .chain(in_rules)
            .map(move |step| (document, step))
    })
}

/// Checks that every step matches exactly one definition.
pub(super) fn check_matches<W>(
    documents: &[Document],
    steps: &step::Collection<W>,
) -> Vec<LintError> {
    all_steps(documents)
        .filter_map(|(document, step)| {
            let problem = match steps.find(step) {
                Ok(Some(_)) => return None,
                Ok(None) => format!("no step definition matches \"{:?} {}\"; `conformance list --steps` shows all of them", step.ty, step.value),
                Err(error) => format!("the step {:?} is ambiguous. {error}", step.value),
            };
            Some(LintError::new(&document.path, step.position.line, problem))
        })
        .collect()
}

/// Checks that every definition is used by a step.
pub(super) fn check_unused(
    documents: &[Document],
    definitions: &[StepDefinition],
) -> Vec<LintError> {
    let used: BTreeSet<(String, &str)> = all_steps(documents)
        .map(|(_, step)| (format!("{:?}", step.ty), step.value.as_str()))
        .collect();
    definitions
        .iter()
        .filter(|definition| {
            regex::Regex::new(&definition.regex).is_ok_and(|regex| {
                !used
                    .iter()
                    .any(|(kind, text)| kind == definition.kind && regex.is_match(text))
            })
        })
        .map(|definition| {
            LintError::general(format!(
                "no feature uses the step definition {} {} of {}",
                definition.kind, definition.regex, definition.location
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::FutureExt as _;
    use regex::Regex;

    use super::*;
    use crate::features::parse::{self, FeatureSource};

    #[derive(Debug)]
    struct World;

    impl cucumber::World for World {
        type Error = Infallible;

        async fn new() -> Result<Self, Infallible> {
            Ok(Self)
        }
    }

    fn do_nothing(_: &mut World, _: step::Context) -> futures::future::LocalBoxFuture<'_, ()> {
        async {}.boxed_local()
    }

    fn documents(steps: &str) -> Vec<Document> {
        let text = format!(
            "Feature: x\n  Rule: USR-7 y\n    The text.\n\n    Scenario: z\n      {steps}\n"
        );
        let path = "x.feature".to_owned();
        parse::parse(&[FeatureSource { path, text }]).expect("a feature")
    }

    fn collection() -> step::Collection<World> {
        let regex = |text| Regex::new(text).expect("a pattern");
        step::Collection::new()
            .given(None, regex("^a user$"), do_nothing)
            .given(None, regex("^a (.+)$"), do_nothing)
    }

    #[test]
    fn a_step_that_matches_twice_is_ambiguous() {
        let errors = check_matches(&documents("Given a user"), &collection());
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].line, 6);
        let problem = &errors[0].problem;
        assert!(problem.contains("\"a user\" is ambiguous"), "{problem}");
    }

    #[test]
    fn a_step_without_a_match_is_an_error_that_names_it() {
        let errors = check_matches(&documents("Given a dog\n      When a user"), &collection());
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(
            errors[0]
                .problem
                .contains("no step definition matches \"When a user\"")
        );
    }

    #[test]
    fn a_step_does_not_use_a_definition_of_another_kind() {
        let definition = |kind| StepDefinition {
            kind,
            regex: "^a user$".to_owned(),
            location: "x.rs:1".to_owned(),
        };
        let errors = check_unused(
            &documents("Given a user"),
            &[definition("Given"), definition("When")],
        );
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].problem.contains("When ^a user$ of x.rs:1"));
    }
}
