//! `verdict.json`: what scripts read. Its keys are an interface; they change only with a note in the changelog.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::SecondsFormat;
use serde::Serialize;

use super::text::{clean_line, shorten};
use crate::backends::BackendInfo;
use crate::run::model::RunReport;
use crate::run::outcome::ScenarioResult;
use crate::run::verdict::ComponentVerdict;

/// Where a reason is cut: it is a line, and the evidence is in the other reports.
const LONGEST: usize = 500;

#[derive(Serialize)]
struct Document<'a> {
    suite: Suite<'a>,
    patience: f64,
    subject: Subject<'a>,
    seed: u64,
    started_at: String,
    duration_ms: u64,
    complete: bool,
    trouble: Option<&'a str>,
    backends: BTreeMap<&'a str, Backend<'a>>,
    verdicts: Vec<Judgement<'a>>,
    scenarios: Vec<Scenario<'a>>,
    unjudged: &'a [String],
}

#[derive(Serialize)]
struct Suite<'a> {
    version: &'a str,
    contract: &'a str,
}

#[derive(Serialize)]
struct Subject<'a> {
    name: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct Backend<'a> {
    provider: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct Judgement<'a> {
    component: &'a str,
    profile: &'a str,
    verdict: &'a str,
    passed: usize,
    failed: usize,
    skipped: usize,
    not_run: usize,
    known_deviations: usize,
    errors: usize,
}

#[derive(Serialize)]
struct Scenario<'a> {
    clause: &'a str,
    component: &'a str,
    name: &'a str,
    feature: String,
    tags: &'a [String],
    outcome: &'a str,
    reason: Option<String>,
    duration_ms: u64,
}

/// The run as `verdict.json`, indented, with a line end.
pub fn render(run: &RunReport) -> String {
    let document = Document {
        suite: Suite {
            version: &run.suite_version,
            contract: &run.contract,
        },
        patience: run.patience,
        subject: Subject {
            name: &run.subject.name,
            version: &run.subject.version,
        },
        seed: run.seed,
        started_at: run.started_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        duration_ms: milliseconds(run.duration),
        complete: !run.interrupted && run.trouble.is_none(),
        trouble: run.trouble.as_deref(),
        backends: run
            .backends
            .iter()
            .map(|(name, info)| (name.as_str(), backend(info)))
            .collect(),
        verdicts: run.verdicts.iter().map(verdict).collect(),
        scenarios: run.scenarios.iter().map(scenario).collect(),
        unjudged: &run.unjudged,
    };
    let json = serde_json::to_string_pretty(&document)
        .expect("keys are texts, and nothing fails to serialize");
    json + "\n"
}

fn backend(it: &BackendInfo) -> Backend<'_> {
    Backend {
        provider: it.provider.word(),
        version: &it.version,
    }
}

fn verdict(it: &ComponentVerdict) -> Judgement<'_> {
    Judgement {
        component: &it.component,
        profile: it.profile.word(),
        verdict: it.verdict.word(),
        passed: it.tally.passed,
        failed: it.tally.failed,
        skipped: it.tally.skipped,
        not_run: it.tally.not_run,
        known_deviations: it.tally.known_deviations,
        errors: it.tally.errors,
    }
}

fn scenario(it: &ScenarioResult) -> Scenario<'_> {
    Scenario {
        clause: &it.case.clause,
        component: &it.case.component,
        name: &it.case.name,
        feature: it.case.location(),
        tags: &it.case.tags,
        outcome: it.outcome.word(),
        reason: it
            .reason()
            .map(|reason| shorten(&clean_line(&reason), LONGEST).into_owned()),
        duration_ms: milliseconds(it.duration),
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
