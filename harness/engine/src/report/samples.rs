//! Sample runs for tests: all outcomes, with all kinds of evidence.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeZone as _, Utc};

use crate::backends::BackendInfo;
use crate::backends::provider::ProviderKind;
use crate::failure::Failure;
use crate::features::cases::Case;
use crate::manifest::{ComponentCommand, Manifest};
use crate::observe::Patience;
use crate::observe::journal::{Event, EventKind};
use crate::run::model::{RunReport, SubjectInfo};
use crate::run::outcome::{
    Evidence, LogExcerpt, MissingKind, Outcome, ScenarioResult, TraceExcerpt,
};
use crate::run::verdict;

/// A scenario with this outcome, without evidence.
pub(super) fn result(clause: &str, name: &str, outcome: Outcome) -> ScenarioResult {
    ScenarioResult {
        case: Arc::new(Case {
            clause: clause.to_owned(),
            title: "An email belongs to at most one user".to_owned(),
            text: "An email belongs to at most one user, compared without regard to ASCII case; a second create or an update to a taken email gives ALREADY_EXISTS.".to_owned(),
            component: "shop".to_owned(),
            name: name.to_owned(),
            feature: "users/email.feature".to_owned(),
            line: 12,
            tags: vec!["shop".to_owned()],
            steps: Vec::new(),
        }),
        outcome,
        duration: Duration::from_millis(38),
        evidence: None,
        steps: vec![("Given a user \"Ada\"".to_owned(), Duration::from_millis(30))],
    }
}

/// A scenario that passed.
pub(super) fn passed(clause: &str, name: &str) -> ScenarioResult {
    result(clause, name, Outcome::Passed)
}

/// A scenario that failed, with all kinds of evidence and with escape sequences in the subject's output.
pub(super) fn failed(clause: &str, name: &str) -> ScenarioResult {
    ScenarioResult {
        evidence: Some(Evidence {
            step: "Then the call fails with ALREADY_EXISTS".to_owned(),
            line: 16,
            failure: Failure::mismatch("ALREADY_EXISTS", "OK, user \u{1b}]0;owned\u{7}0191\u{7}7c")
                .detail("the first user: 0191-6a")
                .detail("the emails are equal"),
            timeline: vec![call(3, 120, 4), call(4, 125, 3)],
            logs: vec![LogExcerpt {
                source: "shop #1".to_owned(),
                lines: vec![
                    "{\"level\":\"INFO\",\"msg\":\"\u{1b}[31mcreated\u{1b}[0m\"}".to_owned(),
                ],
                omitted: 7,
            }],
            traces: vec![TraceExcerpt {
                id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
                lines: vec![
                    "SERVER \"POST /users\" of shop +0.0 ms, 4.1 ms \u{1b}[31mError\u{1b}[0m"
                        .to_owned(),
                    "  CLIENT \"INSERT\" of shop +0.5 ms, 3.0 ms".to_owned(),
                ],
            }],
            rerun:
                "conformance run --component shop --clause USR-7 --name '^A second user$' --seed 7"
                    .to_owned(),
        }),
        ..result(clause, name, Outcome::Failed)
    }
}

fn call(number: usize, at: u64, took: u64) -> Event {
    Event {
        number,
        at: Duration::from_millis(at),
        instance: Some("shop #1".to_owned()),
        kind: EventKind::Call {
            method: "CreateUser".to_owned(),
            status: "OK".to_owned(),
            took: Duration::from_millis(took),
        },
    }
}

pub(super) fn error(clause: &str, name: &str) -> ScenarioResult {
    ScenarioResult {
        evidence: Some(Evidence {
            step: "before the first step".to_owned(),
            line: 12,
            failure: Failure::broken("PostgreSQL died: killed by signal 9; see its log"),
            timeline: Vec::new(),
            logs: Vec::new(),
            traces: Vec::new(),
            rerun: "conformance run --clause USR-9 --seed 7".to_owned(),
        }),
        ..result(clause, name, Outcome::Error)
    }
}

pub(super) fn skipped(clause: &str) -> ScenarioResult {
    let reason = "capability tls is not declared".to_owned();
    let mut skipped = result(clause, "Only TLS is spoken", Outcome::Skipped { reason });
    Arc::make_mut(&mut skipped.case)
        .tags
        .push("cap:tls".to_owned());
    skipped
}

pub(super) fn not_run(clause: &str, missing: MissingKind) -> ScenarioResult {
    let reason = "Redis is missing: install it or set CONFORMANCE_REDIS_URL".to_owned();
    result(clause, "Without Redis", Outcome::NotRun { reason, missing })
}

pub(super) fn known_deviation(clause: &str) -> ScenarioResult {
    let outcome = Outcome::KnownDeviation {
        reason: "tracked in ISSUE-12".to_owned(),
    };
    ScenarioResult {
        outcome,
        ..failed(clause, "Users stand in order")
    }
}

pub(super) fn manifest() -> Manifest {
    let command = ComponentCommand {
        command: vec!["shop".to_owned()],
        env: BTreeMap::new(),
        inherit: Vec::new(),
    };
    Manifest {
        folder: PathBuf::new(),
        name: "mine".to_owned(),
        version: "2.1".to_owned(),
        capabilities: Vec::new(),
        build: None,
        components: BTreeMap::from([("shop".to_owned(), command)]),
        known_deviations: Vec::new(),
    }
}

pub(super) fn run(scenarios: Vec<ScenarioResult>, patience: f64) -> RunReport {
    let factor = Patience::new(patience).expect("at least 1");
    let postgres = BackendInfo {
        provider: ProviderKind::Process,
        version: "15.18".to_owned(),
    };
    RunReport {
        suite_version: "0.1.0".to_owned(),
        contract: "1".to_owned(),
        patience,
        subject: SubjectInfo {
            name: "mine".to_owned(),
            version: "2.1".to_owned(),
        },
        seed: 7,
        started_at: Utc
            .timestamp_millis_opt(1_700_000_000_123)
            .single()
            .expect("a time"),
        duration: Duration::from_millis(12_345),
        backends: BTreeMap::from([("postgres".to_owned(), postgres)]),
        verdicts: verdict::judge(&manifest(), &scenarios, &[], factor),
        scenarios,
        unjudged: ["LOG-3", "LOG-4", "STR-1", "STR-2", "STR-3"]
            .map(str::to_owned)
            .to_vec(),
        interrupted: false,
        trouble: None,
        allow_missing: false,
    }
}

/// A run with all outcomes.
pub(super) fn run_with_all_outcomes() -> RunReport {
    let scenarios = vec![
        passed("USR-1", "A user is stored"),
        failed(
            "USR-7",
            "A second user with the same email in other letter case is refused",
        ),
        error("USR-8", "An id that names no user"),
        error("USR-9", "Only present fields change"),
        known_deviation("USR-13"),
        not_run("USR-19", MissingKind::Backend),
        not_run("USR-20", MissingKind::Backend),
        skipped("SEC-1"),
    ];
    run(scenarios, 6.0)
}
