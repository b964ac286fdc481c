//! Feature files, on disk or in the binary, are parsed; what Gherkin would pass over in silence is an error.

use std::path::PathBuf;
use std::sync::LazyLock;

use cucumber::feature::Ext as _;
use gherkin::{Feature, GherkinEnv};
use regex::Regex;

/// The text of one feature file.
#[derive(Clone, Debug)]
pub struct FeatureSource {
    /// Relative to the folder of features: `users/email.feature`.
    pub path: String,
    /// The Gherkin.
    pub text: String,
}

/// What is wrong with the features.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LintError {
    /// `users/email.feature`; empty for what belongs to no file.
    pub path: String,
    /// 0 for the whole file.
    pub line: usize,
    /// What is wrong and what to do.
    pub problem: String,
}

impl LintError {
    /// An error in a line of a file.
    pub fn new(path: &str, line: usize, problem: String) -> Self {
        Self {
            path: path.to_owned(),
            line,
            problem,
        }
    }

    /// An error that belongs to no file of features.
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
    /// `users/email.feature`.
    pub path: String,
    /// With its outlines expanded.
    pub feature: Feature,
}

/// Parses every source; the errors are syntax errors with file and line.
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
    // Some editors begin a file with a byte order mark.
    let text = source.text.trim_start_matches('\u{feff}');
    let invalid = |problem: String| {
        let number = LINE.captures(&problem).and_then(|it| it[1].parse().ok());
        let line = number.unwrap_or(0);
        let (line, problem) = match culprit(text, line) {
            Some((line, text)) => (line, format!("{text:?} begins with no keyword")),
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
    if let Some((line, text)) = stray(&feature, text) {
        return Err(LintError {
            path: source.path.clone(),
            line,
            problem: format!("{text:?} is no step and would be left out: is its keyword misspelt?"),
        });
    }
    feature.path = Some(PathBuf::from(&source.path));
    feature
        .expand_examples()
        .map_err(|error| invalid(error.to_string()))
}

/// The line without a keyword, where the parser stopped or just above: it reports where it would have
/// gone on.
fn culprit(source: &str, line: usize) -> Option<(usize, &str)> {
    let lines = source.lines().map(str::trim).enumerate();
    let above: Vec<_> = lines.take(line).filter(|it| !it.1.is_empty()).collect();
    let mut near = above.iter().rev().take(2);
    let found = near.find(|it| !KEYWORD.is_match(it.1));
    found.map(|(number, text)| (number + 1, *text))
}

/// What a line may begin with outside of descriptions.
static KEYWORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        "^((Feature|Rule|Background|Scenario|Scenario Outline|Examples?):|(Given|When|Then|And|But) |[*@#|]|\"\"\"|```)",
    )
    .expect("a valid pattern")
});

/// A line that Gherkin takes for a description, though its author meant it to be run: any below a
/// scenario's name, and steps or tables in the text of a rule or a feature.
fn stray<'a>(feature: &Feature, source: &'a str) -> Option<(usize, &'a str)> {
    let scenarios = feature.rules.iter().flat_map(|it| &it.scenarios);
    let scenarios = scenarios.chain(&feature.scenarios);
    let below_names =
        scenarios.filter_map(|it| Some((it.position.line, it.description.as_deref()?)));
    let rules = feature.rules.iter();
    let rules = rules.filter_map(|it| Some((it.position.line, it.description.as_deref()?)));
    let whole = feature.description.as_deref();
    let texts = whole.map(|it| (feature.position.line, it)).into_iter();
    let stray = below_names
        .flat_map(|(line, text)| text.lines().map(move |it| (line, it.trim())))
        .chain(texts.chain(rules).flat_map(|(line, text)| {
            let lines = text.lines().map(move |it| (line, it.trim()));
            lines.filter(|it| STEP.is_match(it.1))
        }));
    let (above, text) = stray.filter(|it| !it.1.is_empty()).min()?;
    let mut lines = source.lines().enumerate().skip(above);
    lines.find_map(|(number, line)| (line.trim() == text).then(|| (number + 1, line.trim())))
}

/// What begins a line that is to be run.
static STEP: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(Given |When |Then |And |But |\||@)").expect("a valid pattern"));

static LINE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:at |:)(\d+):\d+").expect("a valid pattern"));

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn flawed(text: &str, line: usize, said: &str) {
        let source = FeatureSource {
            path: "x.feature".to_owned(),
            text: text.to_owned(),
        };
        let errors = parse(&[source]).expect_err("an error");
        assert_eq!((errors.len(), errors[0].line), (1, line), "{errors:?}");
        assert!(errors[0].problem.contains(said), "{errors:?}");
    }

    #[test]
    fn a_misspelt_step_after_a_good_one_is_no_gherkin() {
        let text = "Feature: x\n  Rule: USR-7 y\n    Scenario: z\n      Given a\n      Gven b\n";
        for more in ["", "      Then c\n", "\n    Scenario: q\n      Given d\n"] {
            flawed(
                &format!("{text}{more}"),
                5,
                "not valid Gherkin: \"Gven b\" begins with no keyword",
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
        flawed(
            "\u{feff}Feature: x\n  Rule: USR-7 y\n    Scenrio: z\n      Given a\n",
            4,
            "is no step",
        );
    }

    #[test]
    fn a_misspelt_first_step_is_not_taken_for_a_description() {
        let text = "Feature: x\n  Rule: USR-7 y\n    Scenario: z\n\n      Gven a\n      Then b\n";
        flawed(text, 5, "\"Gven a\" is no step");
    }

    #[test]
    fn a_column_that_is_not_in_the_table_is_named_with_its_line() {
        let text = "Feature: x\n  Rule: USR-7 y\n    Scenario Outline: z <a>\n      Given <b>\n      Examples:\n        | a |\n        | 1 |\n";
        flawed(text, 4, "<b>");
    }

    #[test]
    fn a_misspelt_scenario_is_not_taken_for_the_text_of_its_clause() {
        let text = "Feature: x\n  Rule: USR-7 y\n    Scenrio: z\n      Given a\n";
        flawed(text, 4, "\"Given a\" is no step");
    }
}
