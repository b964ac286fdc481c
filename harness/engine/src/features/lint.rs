//! Features against catalogue and steps, without running anything.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cucumber::codegen::{StepConstructor, WorldInventory, inventory};
use cucumber::step;
use gherkin::Step;

use super::cases;
use super::parse::{Document, LintError};
use crate::catalogue::Catalogue;

/// A step function of the suite.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    /// `Given`, `When` or `Then`.
    pub kind: &'static str,
    /// Its regular expression.
    pub regex: String,
    /// `src/steps/users.rs:12`.
    pub location: String,
}

/// Every step function of a world.
pub fn patterns<W: WorldInventory + std::fmt::Debug>() -> Vec<Pattern>
where
    W::Given: inventory::Collect + StepConstructor<W>,
{
    fn pattern<W>(kind: &'static str, it: &impl StepConstructor<W>) -> Pattern {
        let (location, regex, _) = it.inner();
        Pattern {
            kind,
            regex: regex().as_str().to_owned(),
            location: format!("{}:{}", location.path, location.line),
        }
    }
    let given = inventory::iter::<W::Given>
        .into_iter()
        .map(|it| pattern("Given", it));
    let when = inventory::iter::<W::When>
        .into_iter()
        .map(|it| pattern("When", it));
    let then = inventory::iter::<W::Then>
        .into_iter()
        .map(|it| pattern("Then", it));
    let mut patterns: Vec<_> = given.chain(when).chain(then).collect();
    patterns.sort();
    patterns
}

/// Everything that is wrong with the features, in the order of files and lines.
pub fn lint<W>(
    documents: &[Document],
    catalogue: &Catalogue,
    steps: &step::Collection<W>,
    patterns: &[Pattern],
) -> Vec<LintError> {
    let mut errors = Vec::new();
    errors.extend(clauses(documents, catalogue));
    errors.extend(names(documents));
    errors.extend(structure(documents, catalogue));
    errors.extend(matches(documents, steps));
    errors.extend(unused(documents, patterns));
    errors.sort();
    errors.dedup();
    errors
}

fn error(path: &str, line: usize, problem: String) -> LintError {
    LintError {
        path: path.to_owned(),
        line,
        problem,
    }
}

/// Every clause of the catalogue has one rule with a scenario, or is pending; no number is left out.
fn clauses(documents: &[Document], catalogue: &Catalogue) -> Vec<LintError> {
    let mut errors = Vec::new();
    let mut ruled: BTreeMap<String, (String, usize)> = BTreeMap::new();
    let pending: BTreeSet<String> = catalogue.pending().into_iter().collect();
    for document in documents {
        for rule in &document.feature.rules {
            let line = rule.position.line;
            let Some((id, _)) = cases::clause_of(rule) else {
                errors.push(error(
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
                errors.push(error(
                    &document.path,
                    line,
                    format!("{id} is no clause of the catalogue"),
                ));
            }
            if rule.scenarios.is_empty() {
                errors.push(error(
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
                errors.push(error(
                    &document.path,
                    line,
                    format!("clause {id} lacks its text: put it below the rule's title"),
                ));
            }
            if pending.contains(id) {
                errors.push(error(&document.path, line, format!("clause {id} has a rule and is pending in the catalogue: take it off the list")));
            }
            if let Some((path, first)) = ruled.insert(id.to_owned(), (document.path.clone(), line))
            {
                errors.push(error(
                    &document.path,
                    line,
                    format!("clause {id} has a second rule; the first is at {path}:{first}"),
                ));
            }
        }
    }
    for id in catalogue.clauses() {
        if !ruled.contains_key(&id) && !pending.contains(&id) {
            errors.push(error("", 0, format!("a gap in the numbers: {id} has no rule in any feature and is not pending in the catalogue")));
        }
    }
    errors
}

/// No two scenarios share a name.
fn names(documents: &[Document]) -> Vec<LintError> {
    let mut first: HashMap<String, (String, usize)> = HashMap::new();
    let mut errors = Vec::new();
    for document in documents {
        for rule in &document.feature.rules {
            for scenario in &rule.scenarios {
                let here = (document.path.clone(), scenario.position.line);
                if let Some((path, line)) = first.get(&scenario.name) {
                    errors.push(error(&here.0, here.1, format!("the name {:?} is used twice; the first is at {path}:{line} (an outline's name needs a <column>)", scenario.name)));
                } else {
                    first.insert(scenario.name.clone(), here);
                }
            }
        }
    }
    errors
}

/// Every scenario stands in a rule and names a component; its capability is in the catalogue.
fn structure(documents: &[Document], catalogue: &Catalogue) -> Vec<LintError> {
    let mut errors = Vec::new();
    for document in documents {
        for scenario in &document.feature.scenarios {
            errors.push(error(
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
                if !tags.iter().any(|it| catalogue.component(it).is_some()) {
                    errors.push(error(
                        &document.path,
                        scenario.position.line,
                        format!("scenario {:?} names no component by a tag", scenario.name),
                    ));
                }
                let unknown = tags
                    .iter()
                    .filter_map(|it| it.strip_prefix("cap:"))
                    .find(|it| !catalogue.capabilities.contains(it));
                if let Some(name) = unknown {
                    errors.push(error(
                        &document.path,
                        scenario.position.line,
                        format!("capability {name:?} is not in the catalogue"),
                    ));
                }
                if scenario.steps.is_empty() {
                    errors.push(error(
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

/// Every step matches exactly one function.
fn matches<W>(documents: &[Document], steps: &step::Collection<W>) -> Vec<LintError> {
    all_steps(documents)
        .filter_map(|(document, step)| {
            let problem = match steps.find(step) {
                Ok(Some(_)) => return None,
                Ok(None) => format!("no step matches \"{:?} {}\"; `conformance list --steps` shows those that exist", step.ty, step.value),
                Err(error) => format!("the step {:?} is ambiguous. {error}", step.value),
            };
            Some(error(&document.path, step.position.line, problem))
        })
        .collect()
}

/// Every function is used by a step.
fn unused(documents: &[Document], patterns: &[Pattern]) -> Vec<LintError> {
    let used: BTreeSet<(String, &str)> = all_steps(documents)
        .map(|(_, step)| (format!("{:?}", step.ty), step.value.as_str()))
        .collect();
    patterns
        .iter()
        .filter(|pattern| {
            regex::Regex::new(&pattern.regex).is_ok_and(|regex| {
                !used
                    .iter()
                    .any(|(kind, text)| kind == pattern.kind && regex.is_match(text))
            })
        })
        .map(|pattern| {
            error(
                "",
                0,
                format!(
                    "no feature uses the step {} {} of {}",
                    pattern.kind, pattern.regex, pattern.location
                ),
            )
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

    fn nothing(_: &mut World, _: step::Context) -> futures::future::LocalBoxFuture<'_, ()> {
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
        let regex = |it| Regex::new(it).expect("a pattern");
        step::Collection::new()
            .given(None, regex("^a user$"), nothing)
            .given(None, regex("^a (.+)$"), nothing)
    }

    #[test]
    fn a_step_that_matches_twice_is_ambiguous() {
        let errors = matches(&documents("Given a user"), &collection());
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].line, 6);
        let problem = &errors[0].problem;
        assert!(problem.contains("\"a user\" is ambiguous"), "{problem}");
    }

    #[test]
    fn a_step_that_matches_once_is_fine_and_one_without_a_match_is_named() {
        let errors = matches(&documents("Given a dog\n      When a user"), &collection());
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(
            errors[0]
                .problem
                .contains("no step matches \"When a user\"")
        );
    }

    #[test]
    fn a_step_function_of_another_kind_is_not_used() {
        let pattern = |kind| Pattern {
            kind,
            regex: "^a user$".to_owned(),
            location: "x.rs:1".to_owned(),
        };
        let errors = unused(
            &documents("Given a user"),
            &[pattern("Given"), pattern("When")],
        );
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].problem.contains("When ^a user$ of x.rs:1"));
    }
}
