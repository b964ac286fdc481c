//! Parses feature files. Misspelt keywords that Gherkin would silently take for a description are errors.

use std::path::PathBuf;
use std::sync::LazyLock;

use cucumber::feature::Ext as _;
use gherkin::{Feature, GherkinEnv};
use regex::Regex;

/// The text of one feature file.
#[derive(Clone, Debug)]
pub struct FeatureSource {
    /// Path relative to the features folder: `users/email.feature`.
    pub path: String,
    /// The file's content.
    pub text: String,
}

/// An error in the features or in the suite's step functions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LintError {
    /// Path of the feature file; empty if the error belongs to none.
    pub path: String,
    /// Line in the file; 0 means the whole file.
    pub line: usize,
    /// What is wrong, with advice.
    pub problem: String,
}

impl LintError {
    /// An error in a line of a feature file.
    pub fn new(path: &str, line: usize, problem: String) -> Self {
        Self {
            path: path.to_owned(),
            line,
            problem,
        }
    }

    /// An error that belongs to no feature file.
    pub fn general(problem: String) -> Self {
        Self::new("", 0, problem)
    }
}

impl std::fmt::Display for LintError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.path.as_str(), self.line) {
            ("", _) => write!(f, "{}", self.problem),
            (path, 0) => write!(f, "features/{path}: {}", self.problem),
            (path, line) => write!(f, "features/{path}:{line}: {}", self.problem),
        }
    }
}

/// A parsed feature file.
#[derive(Clone, Debug)]
pub struct Document {
    /// Path of the file: `users/email.feature`.
    pub path: String,
    /// The parsed feature, with outlines expanded to scenarios.
    pub feature: Feature,
}

/// Parses all sources; fails with all syntax errors.
pub fn parse(sources: &[FeatureSource]) -> Result<Vec<Document>, Vec<LintError>> {
    let mut documents = Vec::new();
    let mut errors = Vec::new();
    for source in sources {
        match parse_one(source) {
            Ok(feature) => documents.push(Document {
                path: source.path.clone(),
                feature,
            }),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(documents)
    } else {
        Err(errors)
    }
}

fn parse_one(source: &FeatureSource) -> Result<Feature, LintError> {
    // Some editors write a byte order mark at the start of a file.
    let text = source.text.trim_start_matches('\u{feff}');
    let invalid = |problem: String| {
        let number = LINE_PATTERN
            .captures(&problem)
            .and_then(|captures| captures[1].parse().ok());
        let line = number.unwrap_or(0);
        let (line, problem) = match line_without_keyword(text, line) {
            Some((line, text)) => (line, format!("{text:?} does not start with a keyword")),
            None => (line, problem),
        };
        LintError {
            path: source.path.clone(),
            line,
            problem: format!("not valid Gherkin: {problem}"),
        }
    };
    let mut feature =
        Feature::parse(text, GherkinEnv::default()).map_err(|error| invalid(error.to_string()))?;
    if let Some((line, text)) = ignored_line(&feature, text) {
        return Err(LintError {
            path: source.path.clone(),
            line,
            problem: format!(
                "{text:?} is not parsed as a step and would be ignored: is a keyword misspelt?"
            ),
        });
    }
    feature.path = Some(PathBuf::from(&source.path));
    feature
        .expand_examples()
        .map_err(|error| invalid(error.to_string()))
}

/// The line without a keyword at which the parser failed: the reported line or the one above, because the
/// parser reports the position after the last parsed element.
fn line_without_keyword(source: &str, line: usize) -> Option<(usize, &str)> {
    let lines = source.lines().map(str::trim).enumerate();
    let above: Vec<_> = lines
        .take(line)
        .filter(|(_, text)| !text.is_empty())
        .collect();
    let mut near = above.iter().rev().take(2);
    let found = near.find(|(_, text)| !KEYWORD_PATTERN.is_match(text));
    found.map(|(number, text)| (number + 1, *text))
}

/// The start of a line outside of descriptions.
static KEYWORD_PATTERN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        "^((Feature|Rule|Background|Scenario|Scenario Outline|Examples?):|(Given|When|Then|And|But) |[*@#|]|\"\"\"|```)",
    )
    .expect("a valid pattern")
});

/// A line that Gherkin parses as a description although it is meant to be executed: any line of a scenario's
/// description, and steps or tables in the description of a rule or feature.
fn ignored_line<'a>(feature: &Feature, source: &'a str) -> Option<(usize, &'a str)> {
    let scenarios = feature.rules.iter().flat_map(|rule| &rule.scenarios);
    let scenarios = scenarios.chain(&feature.scenarios);
    let of_scenarios = scenarios
        .filter_map(|scenario| Some((scenario.position.line, scenario.description.as_deref()?)));
    let rules = feature.rules.iter();
    let of_rules =
        rules.filter_map(|rule| Some((rule.position.line, rule.description.as_deref()?)));
    let of_feature = feature.description.as_deref();
    let of_feature = of_feature.map(|text| (feature.position.line, text));
    let ignored = of_scenarios
        .flat_map(|(above, text)| text.lines().map(move |line| (above, line.trim())))
        .chain(
            of_feature
                .into_iter()
                .chain(of_rules)
                .flat_map(|(above, text)| {
                    let lines = text.lines().map(move |line| (above, line.trim()));
                    lines.filter(|(_, line)| EXECUTABLE_PATTERN.is_match(line))
                }),
        );
    let (above, text) = ignored.filter(|(_, line)| !line.is_empty()).min()?;
    let mut lines = source.lines().enumerate().skip(above);
    lines.find_map(|(number, line)| (line.trim() == text).then(|| (number + 1, line.trim())))
}

/// The start of a step, a table row or a tag.
static EXECUTABLE_PATTERN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(Given |When |Then |And |But |\||@)").expect("a valid pattern"));

/// The line number in an error of the parser.
static LINE_PATTERN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:at |:)(\d+):\d+").expect("a valid pattern"));

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_error(text: &str, line: usize, expected: &str) {
        let source = FeatureSource {
            path: "x.feature".to_owned(),
            text: text.to_owned(),
        };
        let errors = parse(&[source]).expect_err("an error");
        assert_eq!((errors.len(), errors[0].line), (1, line), "{errors:?}");
        assert!(errors[0].problem.contains(expected), "{errors:?}");
    }

    #[test]
    fn a_misspelt_step_after_a_valid_one_is_a_syntax_error() {
        let text = "Feature: x\n  Rule: USR-7 y\n    Scenario: z\n      Given a\n      Gven b\n";
        for more in ["", "      Then c\n", "\n    Scenario: q\n      Given d\n"] {
            check_error(
                &format!("{text}{more}"),
                5,
                "not valid Gherkin: \"Gven b\" does not start with a keyword",
            );
        }
    }

    #[test]
    fn a_byte_order_mark_before_the_first_keyword_is_ignored() {
        let text = "Feature: x\n  Rule: USR-7 y\n    Scenario: z\n      Given a\n";
        let source = FeatureSource {
            path: "x.feature".to_owned(),
            text: format!("\u{feff}{text}"),
        };
        let documents = parse(&[source]).expect("Gherkin");
        assert_eq!(documents[0].feature.name, "x");
        check_error(
            "\u{feff}Feature: x\n  Rule: USR-7 y\n    Scenrio: z\n      Given a\n",
            4,
            "is not parsed as a step",
        );
    }

    #[test]
    fn a_misspelt_first_step_is_an_error_although_gherkin_parses_a_description() {
        let text = "Feature: x\n  Rule: USR-7 y\n    Scenario: z\n\n      Gven a\n      Then b\n";
        check_error(text, 5, "\"Gven a\" is not parsed as a step");
    }

    #[test]
    fn a_column_that_is_not_in_the_table_is_named_with_its_line() {
        let text = "Feature: x\n  Rule: USR-7 y\n    Scenario Outline: z <a>\n      Given <b>\n      Examples:\n        | a |\n        | 1 |\n";
        check_error(text, 4, "<b>");
    }

    #[test]
    fn a_misspelt_scenario_is_an_error_although_gherkin_parses_a_description() {
        let text = "Feature: x\n  Rule: USR-7 y\n    Scenrio: z\n      Given a\n";
        check_error(text, 4, "\"Given a\" is not parsed as a step");
    }
}
