//! What the self-check does not ask for, each with the reason.

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

/// A scenario that kills no mutant of its clause on one component.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KillsNothing {
    /// The component.
    pub component: String,
    /// The scenario's name.
    pub scenario: String,
    /// Why no mutant fails it.
    pub reason: String,
}

/// A change by an operator that breaks no clause.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equivalent {
    /// The file below `reference-impl`.
    pub file: String,
    /// The original code, as the reference has it.
    pub text: String,
    /// The code that the operator puts in its place; empty for a dropped statement.
    pub instead: String,
    /// Why no clause is broken.
    pub reason: String,
}

/// The contents of a file of exemptions.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exemptions {
    /// Scenarios that kill no mutant.
    #[serde(default)]
    pub kills_nothing: Vec<KillsNothing>,
    /// Changes by operators that break no clause.
    #[serde(default)]
    pub equivalent: Vec<Equivalent>,
}

impl Exemptions {
    /// Reads a file of exemptions.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let exemptions: Self =
            toml::from_str(&text).with_context(|| format!("{} is malformed", file.display()))?;
        let reasons = exemptions
            .kills_nothing
            .iter()
            .map(|entry| &entry.reason)
            .chain(exemptions.equivalent.iter().map(|entry| &entry.reason));
        ensure!(
            reasons.into_iter().all(|reason| !reason.trim().is_empty()),
            "{} holds an exemption without a reason",
            file.display()
        );
        Ok(exemptions)
    }
}

/// A scenario by its name (an outline's by the part before its first column), and why.
pub type Exemption = (&'static str, &'static str);

const STAND_IN: &str =
    "the stand-in answers, and the command exits with 0 as it does for everything";
const AT_ONCE: &str = "a program without work that a signal ends at once has ended gracefully";

/// Scenarios that a standing mutant passes.
pub const FROM_STANDING: &[Exemption] = &[
    ("`healthcheck` exits with 0 when /health answers", STAND_IN),
    ("`healthcheck` waits for an answer that takes 3 s", STAND_IN),
    (
        "What is served on METRICS_PORT is served on all interfaces",
        "what metrics hold is not judged yet, so that 200 is all that counts",
    ),
    ("SIGTERM ends a program that has nothing to do", AT_ONCE),
    ("SIGINT ends a program that has nothing to do", AT_ONCE),
    (
        "The program ends in time though an idle connection is open to every port",
        AT_ONCE,
    ),
    (
        "The program ends in time though half a request was sent to every port",
        AT_ONCE,
    ),
    (
        "The program ends in time though every resource is hung",
        AT_ONCE,
    ),
    (
        "0 users in pages of 10 end with page 1",
        "an empty answer is the right one",
    ),
];

/// Whether a scenario of this name may pass on a standing mutant.
pub fn may_pass_on_standing(name: &str) -> bool {
    FROM_STANDING
        .iter()
        .any(|(prefix, _)| name.starts_with(prefix))
}
