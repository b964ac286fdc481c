//! Checks the source code of step functions: length, and that a `Then` does not act on the subject.
//!
//! Source files are available only if lint runs in the repository; otherwise no function is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use regex::Regex;

use super::definitions::StepDefinition;
use super::exemptions::{Exemptions, RuleName};
use crate::features::parse::LintError;

/// Maximum number of lines in the body of a step function.
const MAX_LINES: usize = 16;

/// The source code of one step function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StepFunction {
    /// The kinds of its attributes: `Given`, `When`, `Then`.
    kinds: BTreeSet<&'static str>,
    /// The source file.
    file: String,
    line: usize,
    name: String,
    body: Vec<String>,
}

/// Reads the functions of step definitions from source files below `root`; skips files that do not exist.
pub(super) fn read_functions(root: &Path, definitions: &[StepDefinition]) -> Vec<StepFunction> {
    let mut functions = BTreeMap::new();
    for definition in definitions {
        let Some((file, line)) = definition.location.rsplit_once(':') else {
            continue;
        };
        let (Ok(line), Ok(text)) = (line.parse(), std::fs::read_to_string(root.join(file))) else {
            continue;
        };
        if let Some(found) = function_at(file, &text, line) {
            let known = functions
                .entry((found.file.clone(), found.line))
                .or_insert(found);
            known.kinds.insert(definition.kind);
        }
    }
    functions.into_values().collect()
}

/// The function whose attribute is in the given line, counted from 1. The source must be formatted by rustfmt.
fn function_at(file: &str, text: &str, attribute: usize) -> Option<StepFunction> {
    let lines: Vec<&str> = text.lines().collect();
    let is_head = |line: &str| {
        let words = line.split_once("fn ").map(|(before, _)| before);
        let is_qualifier = |word: &str| word == "async" || word.starts_with("pub");
        words.is_some_and(|before| before.split_whitespace().all(is_qualifier))
    };
    let from = |start: usize, end: &dyn Fn(&str) -> bool| {
        (start..lines.len()).find(|number| end(lines[*number]))
    };
    let head = from(attribute.checked_sub(1)?, &is_head)?;
    let open = from(head, &|line| line.ends_with('{'))?;
    let close = from(open, &|line| line == "}")?;
    let (_, signature) = lines[head].split_once("fn ")?;
    let name = signature.split(['(', '<']).next()?;
    Some(StepFunction {
        kinds: BTreeSet::new(),
        file: file.to_owned(),
        line: head + 1,
        name: name.to_owned(),
        body: lines[open + 1..close]
            .iter()
            .map(|line| (*line).to_owned())
            .collect(),
    })
}

/// Checks that no function is too long, and that no `Then` calls a function that acts on the subject.
pub(super) fn check_functions(
    functions: &[StepFunction],
    exemptions: &Exemptions,
) -> Vec<LintError> {
    let mut errors = Vec::new();
    let acting = acting_call_pattern(exemptions.acting());
    for function in functions {
        let mut refuse = |rule, problem: String| {
            if !exemptions.covers(rule, &function.name) {
                let problem = format!("{}:{}: {problem}", function.file, function.line);
                errors.push(LintError::general(problem));
            }
        };
        let lines = function.body.len();
        if lines > MAX_LINES {
            let problem = format!(
                "the step function `{}` has {lines} lines, at most {MAX_LINES} are allowed: move code into a driver or a check, or exempt it with a reason",
                function.name
            );
            refuse(RuleName::LongStep, problem);
        }
        let body = function.body.join("\n");
        if function.kinds.contains("Then")
            && let Some(call) = acting.as_ref().and_then(|acting| acting.find(&body))
        {
            let problem = format!(
                "the Then `{}` acts on the subject by `{}`: act in a When, or exempt it with a reason",
                function.name,
                call.as_str()
            );
            refuse(RuleName::ActingThen, problem);
        }
    }
    errors
}

/// A pattern that matches a call of one of these functions or methods; `None` without names.
fn acting_call_pattern(names: &[String]) -> Option<Regex> {
    let names: Vec<String> = names.iter().map(|name| regex::escape(name)).collect();
    let pattern = format!(r"\b({})\(", names.join("|"));
    (!names.is_empty()).then(|| Regex::new(&pattern).expect("escaped names are a valid pattern"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(lines: usize, call: &str) -> String {
        let body = "    look();\n".repeat(lines - 1);
        format!(
            "//! Steps.\n\n#[then(\"it holds\")]\nasync fn it_holds(\n    world: &mut World,\n) -> StepResult {{\n{body}    {call};\n}}\n\nfn other() {{\n}}\n"
        )
    }

    fn lint(source: &str, exemptions: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.rs"), source).unwrap();
        let definition = StepDefinition {
            kind: "Then",
            regex: "^it holds$".to_owned(),
            location: "x.rs:3".to_owned(),
        };
        let exemptions = Exemptions::parse(exemptions).unwrap();
        let read = read_functions(folder.path(), &[definition]);
        assert_eq!(read.len(), 1, "{read:?}");
        let errors = check_functions(&read, &exemptions);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_function_of_sixteen_lines_passes_and_one_of_seventeen_does_not() {
        assert_eq!(lint(&source(16, "look()"), ""), Vec::<String>::new());
        let errors = lint(&source(17, "look()"), "");
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].starts_with("x.rs:4: the step function `it_holds` has 17 lines"));
    }

    #[test]
    fn a_then_that_acts_is_refused_unless_it_is_exempt() {
        let acts = source(2, "client.create(user)");
        let errors = lint(&acts, "acting = [\"create\"]");
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains("the Then `it_holds` acts on the subject by `create(`"));
        let exempt = "acting = [\"create\"]\n[[exempt]]\nrule = \"acting-then\"\nreason = \"x\"\nnames = [\"it_holds\"]\n";
        assert_eq!(lint(&acts, exempt), Vec::<String>::new());
    }

    #[test]
    fn a_public_step_function_is_checked_as_well() {
        for visibility in ["pub ", "pub(super) "] {
            let source = source(17, "look()").replace("async fn", &format!("{visibility}async fn"));
            assert_eq!(lint(&source, "").len(), 1, "{source}");
        }
    }

    #[test]
    fn missing_source_files_are_skipped() {
        let definition = StepDefinition {
            kind: "Then",
            regex: "^it holds$".to_owned(),
            location: "x.rs:3".to_owned(),
        };
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_functions(folder.path(), &[definition]), []);
    }
}
