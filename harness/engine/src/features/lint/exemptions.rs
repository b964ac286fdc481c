//! Exemptions from lint rules, with reasons: a data file of the suite.

use std::cell::RefCell;
use std::collections::BTreeSet;

use regex::Regex;
use serde::Deserialize;

use crate::features::parse::LintError;

/// A lint rule from which scenarios or step functions can be exempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleName {
    /// A scenario without a `When`.
    NoWhen,
    /// A scenario with too many steps.
    TooManySteps,
    /// A `Then` whose function acts on the subject.
    ActingThen,
    /// A step function with too many lines.
    LongStep,
}

/// The parsed data file, and which exemptions were used.
#[derive(Debug, Default)]
pub struct Exemptions {
    data: Data,
    used: RefCell<BTreeSet<(RuleName, String)>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    /// Names of functions and methods that act on the subject.
    #[serde(default)]
    acting: Vec<String>,
    #[serde(default)]
    exempt: Vec<Exemption>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exemption {
    rule: RuleName,
    reason: String,
    /// Names of scenarios or step functions; `*` stands for any text, such as a column of an outline.
    names: Vec<String>,
}

impl Exemptions {
    /// Parses the data file's text.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        Ok(Self {
            data: toml::from_str(text)?,
            used: RefCell::default(),
        })
    }

    /// Names of functions and methods that act on the subject.
    pub(super) fn acting(&self) -> &[String] {
        &self.data.acting
    }

    /// Whether a scenario or step function that violates a rule is exempt; marks the exemption as used.
    pub(super) fn covers(&self, rule: RuleName, name: &str) -> bool {
        let mut entries = self.entries();
        let entry = entries.find(|(exempt, pattern)| *exempt == rule && matches(pattern, name));
        if let Some((rule, pattern)) = entry {
            self.used.borrow_mut().insert((rule, pattern.to_owned()));
        }
        entry.is_some()
    }

    /// Errors for exemptions without a reason, and for unused exemptions from the rules in `checked`.
    pub(super) fn stale(&self, checked: &[RuleName]) -> Vec<LintError> {
        let unexplained = self.data.exempt.iter();
        let unexplained = unexplained.filter(|exemption| exemption.reason.is_empty());
        let unexplained = unexplained.map(|exemption| {
            let problem = format!(
                "the exemption of {:?} from {:?} has no reason",
                exemption.names, exemption.rule
            );
            LintError::general(problem)
        });
        let used = self.used.borrow();
        let stale = self.entries().filter(|(rule, name)| {
            checked.contains(rule) && !used.contains(&(*rule, (*name).to_owned()))
        });
        let stale = stale.map(|(rule, name)| {
            let problem =
                format!("the exemption of {name:?} from {rule:?} is not needed: remove it");
            LintError::general(problem)
        });
        unexplained.chain(stale).collect()
    }

    fn entries(&self) -> impl Iterator<Item = (RuleName, &str)> {
        let exempt = self.data.exempt.iter();
        exempt.flat_map(|entry| entry.names.iter().map(|name| (entry.rule, name.as_str())))
    }
}

/// Whether a name matches a pattern in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let parts: Vec<String> = pattern.split('*').map(regex::escape).collect();
    let whole = Regex::new(&format!("^{}$", parts.join(".*")));
    whole
        .expect("escaped parts are a valid pattern")
        .is_match(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXEMPT: &str =
        "[[exempt]]\nrule = \"no-when\"\nreason = \"x\"\nnames = [\"At *% it is on\"]\n";

    #[test]
    fn an_asterisk_matches_any_text() {
        let exemptions = Exemptions::parse(EXEMPT).unwrap();
        assert!(exemptions.covers(RuleName::NoWhen, "At 25% it is on"));
        assert!(!exemptions.covers(RuleName::NoWhen, "At 25% it is on again"));
        assert!(!exemptions.covers(RuleName::TooManySteps, "At 25% it is on"));
        assert_eq!(exemptions.stale(&[RuleName::NoWhen]), []);
    }

    #[test]
    fn an_unused_exemption_is_an_error_if_its_rule_was_checked() {
        let exemptions = Exemptions::parse(EXEMPT).unwrap();
        assert_eq!(exemptions.stale(&[RuleName::LongStep]), []);
        let stale = exemptions.stale(&[RuleName::NoWhen]);
        assert_eq!(stale.len(), 1, "{stale:?}");
        assert!(stale[0].problem.contains("is not needed"));
    }

    #[test]
    fn an_exemption_without_a_reason_or_from_an_unknown_rule_is_an_error() {
        let unexplained = EXEMPT.replace("\"x\"", "\"\"");
        let exemptions = Exemptions::parse(&unexplained).unwrap();
        assert_eq!(exemptions.stale(&[]).len(), 1);
        assert!(Exemptions::parse(&EXEMPT.replace("no-when", "no-rule")).is_err());
    }
}
