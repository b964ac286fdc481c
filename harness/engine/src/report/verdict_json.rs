//! `verdict.json`, for scripts. Its keys are an interface: note changes in the changelog.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};

use super::text::{clean_line, shorten};
use crate::backends::BackendInfo;
use crate::run::model::{RunReport, SubjectInfo};
use crate::run::outcome::{OutcomeKind, ScenarioResult};
use crate::run::verdict::ComponentVerdict;

/// Maximum length of a reason in characters; the complete evidence is in the other reports.
const MAX_REASON: usize = 500;

/// The content of `verdict.json`, for writing and reading.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerdictDocument {
    suite: Suite,
    patience: f64,
    subject: SubjectInfo,
    seed: u64,
    started_at: String,
    duration_ms: u64,
    complete: bool,
    trouble: Option<String>,
    backends: BTreeMap<String, Backend>,
    verdicts: Vec<VerdictEntry>,
    /// One entry for each selected case, in the order of the features.
    pub scenarios: Vec<ScenarioEntry>,
    unjudged: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Suite {
    version: String,
    contract: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Backend {
    provider: String,
    version: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct VerdictEntry {
    component: String,
    profile: String,
    verdict: String,
    passed: usize,
    failed: usize,
    skipped: usize,
    not_run: usize,
    known_deviations: usize,
    errors: usize,
}

/// The outcome of one case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScenarioEntry {
    /// The clause's id: `USR-7`.
    pub clause: String,
    /// The component's name.
    pub component: String,
    /// The scenario's name.
    pub name: String,
    feature: String,
    tags: Vec<String>,
    /// The kind of the outcome.
    pub outcome: OutcomeKind,
    reason: Option<String>,
    duration_ms: u64,
}

impl VerdictDocument {
    /// The document of a run.
    pub fn new(run: &RunReport) -> Self {
        let backends = run.backends.iter();
        Self {
            suite: Suite {
                version: run.suite_version.clone(),
                contract: run.contract.clone(),
            },
            patience: run.patience,
            subject: run.subject.clone(),
            seed: run.seed,
            started_at: run.started_at.to_rfc3339_opts(SecondsFormat::Millis, true),
            duration_ms: milliseconds(run.duration),
            complete: !run.interrupted && run.trouble.is_none(),
            trouble: run.trouble.clone(),
            backends: backends
                .map(|(name, info)| (name.clone(), backend(info)))
                .collect(),
            verdicts: run.verdicts.iter().map(verdict).collect(),
            scenarios: run.scenarios.iter().map(scenario).collect(),
            unjudged: run.unjudged.clone(),
        }
    }

    /// The scenarios that failed or ended in error.
    pub fn failed(&self) -> impl Iterator<Item = &ScenarioEntry> {
        let is_failed = |kind| matches!(kind, OutcomeKind::Failed | OutcomeKind::Error);
        self.scenarios
            .iter()
            .filter(move |entry| is_failed(entry.outcome))
    }
}

/// Renders the run as indented JSON with a final line end.
pub fn render(run: &RunReport) -> String {
    let json = serde_json::to_string_pretty(&VerdictDocument::new(run))
        .expect("all keys are strings, and all values can be serialized");
    json + "\n"
}

/// Parses the content of a `verdict.json`.
pub fn parse(text: &str) -> serde_json::Result<VerdictDocument> {
    serde_json::from_str(text)
}

fn backend(info: &BackendInfo) -> Backend {
    Backend {
        provider: info.provider.word().to_owned(),
        version: info.version.clone(),
    }
}

fn verdict(verdict: &ComponentVerdict) -> VerdictEntry {
    VerdictEntry {
        component: verdict.component.clone(),
        profile: verdict.profile.word().to_owned(),
        verdict: verdict.verdict.word().to_owned(),
        passed: verdict.tally.passed,
        failed: verdict.tally.failed,
        skipped: verdict.tally.skipped,
        not_run: verdict.tally.not_run,
        known_deviations: verdict.tally.known_deviations,
        errors: verdict.tally.errors,
    }
}

fn scenario(result: &ScenarioResult) -> ScenarioEntry {
    ScenarioEntry {
        clause: result.case.clause.clone(),
        component: result.case.component.clone(),
        name: result.case.name.clone(),
        feature: result.case.location(),
        tags: result.case.tags.clone(),
        outcome: result.outcome.kind(),
        reason: result
            .reason()
            .map(|reason| shorten(&clean_line(&reason), MAX_REASON).into_owned()),
        duration_ms: milliseconds(result.duration),
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
