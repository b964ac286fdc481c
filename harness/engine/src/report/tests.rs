//! Golden reports, and what holds of all of them.
//!
//! `UPDATE_GOLDEN=1 cargo test -p conformance-engine golden` writes the files anew; read the difference.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::{TimeZone as _, Utc};
use proptest::prelude::*;
use regex::Regex;

use super::*;
use crate::backends::BackendInfo;
use crate::backends::provider::ProviderKind;
use crate::manifest::{ComponentSource, Manifest};
use crate::observe::Patience;
use crate::run::cases::Case;
use crate::run::outcome::{Evidence, LogExcerpt, Outcome, ScenarioResult, SubjectInfo, Want};
use crate::run::verdict::{self, Profile};

fn result(clause: &str, name: &str, outcome: Outcome) -> ScenarioResult {
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

/// One that passed.
pub(super) fn passed(clause: &str, name: &str) -> ScenarioResult {
    result(clause, name, Outcome::Passed)
}

/// One that failed, with everything that evidence can hold, and a subject that attacks the terminal.
pub(super) fn failed(clause: &str, name: &str) -> ScenarioResult {
    ScenarioResult {
        evidence: Some(Evidence {
            step: "Then the call fails with ALREADY_EXISTS".to_owned(),
            line: 16,
            expected: "ALREADY_EXISTS".to_owned(),
            got: "OK, user \u{1b}]0;owned\u{7}0191\u{7}7c".to_owned(),
            details: vec![
                "the first user: 0191-6a".to_owned(),
                "the emails are equal".to_owned(),
            ],
            timeline: vec![
                "#3 +120 ms CreateUser OK 4 ms".to_owned(),
                "#4 +125 ms CreateUser OK 3 ms".to_owned(),
            ],
            logs: vec![LogExcerpt {
                source: "shop #1".to_owned(),
                lines: vec![
                    "{\"level\":\"INFO\",\"msg\":\"\u{1b}[31mcreated\u{1b}[0m\"}".to_owned(),
                ],
                omitted: 7,
            }],
            rerun:
                "conformance run --component shop --clause USR-7 --name '^A second user$' --seed 7"
                    .to_owned(),
        }),
        ..result(clause, name, Outcome::Failed)
    }
}

fn error(clause: &str, name: &str) -> ScenarioResult {
    ScenarioResult {
        evidence: Some(Evidence {
            step: "before the first step".to_owned(),
            line: 12,
            got: "PostgreSQL died: killed by signal 9; see its log".to_owned(),
            rerun: "conformance run --clause USR-9 --seed 7".to_owned(),
            ..Evidence::default()
        }),
        ..result(clause, name, Outcome::Error)
    }
}

fn skipped(clause: &str) -> ScenarioResult {
    let reason = "capability tls is not declared".to_owned();
    result(clause, "Only TLS is spoken", Outcome::Skipped { reason })
}

fn not_run(clause: &str, want: Want) -> ScenarioResult {
    let reason = "Redis is missing: install it or set CONFORMANCE_REDIS_URL".to_owned();
    result(clause, "Without Redis", Outcome::NotRun { reason, want })
}

fn known_deviation(clause: &str) -> ScenarioResult {
    let outcome = Outcome::KnownDeviation {
        reason: "tracked in ISSUE-12".to_owned(),
    };
    ScenarioResult {
        outcome,
        ..failed(clause, "Users stand in order")
    }
}

fn manifest() -> Manifest {
    let source = ComponentSource {
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
        components: BTreeMap::from([("shop".to_owned(), source)]),
        known_deviations: Vec::new(),
    }
}

fn run(scenarios: Vec<ScenarioResult>, patience: f64) -> RunReport {
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
        allow_missing: false,
    }
}

fn everything() -> RunReport {
    let scenarios = vec![
        passed("USR-1", "A user is stored"),
        failed(
            "USR-7",
            "A second user with the same email in other letter case is refused",
        ),
        error("USR-8", "An id that names no user"),
        error("USR-9", "Only present fields change"),
        known_deviation("USR-13"),
        not_run("USR-19", Want::Backend),
        not_run("USR-20", Want::Backend),
        skipped("SEC-1"),
    ];
    run(scenarios, 6.0)
}

fn summary(run: &RunReport, timings: Option<&Timings>) -> String {
    terminal::summary(run, timings, &Closing::of(run, None), Screen::PLAIN)
}

/// Compares with a file of `golden/`.
#[track_caller]
fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/report/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).expect("to write the golden file");
    }
    let expected = std::fs::read_to_string(&path).expect("a golden file");
    assert_eq!(
        text, expected,
        "{name} differs; UPDATE_GOLDEN=1 writes it anew"
    );
}

#[test]
fn golden_summary_of_a_run_with_every_outcome() {
    golden("everything.txt", &summary(&everything(), None));
}

#[test]
fn golden_summary_of_a_conformant_run_with_timings() {
    let timings = Timings {
        wall: Duration::from_millis(12_345),
        suite_cpu: Duration::from_millis(2_000),
        subjects_cpu: Duration::from_millis(3_000),
        backends_cpu: Duration::from_millis(5_000),
        phases: vec![
            ("backends up".to_owned(), Duration::from_millis(900)),
            ("scenarios".to_owned(), Duration::from_millis(11_000)),
        ],
    };
    let run = run(
        vec![passed("USR-1", "A user is stored"), skipped("SEC-1")],
        1.0,
    );
    golden("conformant.txt", &summary(&run, Some(&timings)));
}

#[test]
fn golden_verdict_json() {
    golden("verdict.json", &verdict_json::render(&everything()));
}

#[test]
fn golden_junit() {
    golden("junit.xml", &junit::render(&everything()));
}

/// The last line of the summary of a run, and its exit status.
#[track_caller]
fn closes(change: impl FnOnce(&mut RunReport), line: &str, exit_code: u8) {
    let mut run = run(vec![passed("USR-1", "A user is stored")], 1.0);
    change(&mut run);
    let summary = summary(&run, None);
    assert_eq!(summary.lines().last(), Some(line), "{summary}");
    assert_eq!(Closing::of(&run, None).exit_code, exit_code);
}

#[test]
fn the_last_line_counts_every_scenario() {
    closes(|_| {}, "1 passed, 0 failed, 0 skipped", 0);
    closes(
        |run| *run = everything(),
        "1 passed, 3 failed, 4 skipped",
        1,
    );
}

#[test]
fn a_run_that_went_wrong_as_a_whole_counts_itself_as_failed() {
    closes(
        |run| run.interrupted = true,
        "1 passed, 1 failed, 0 skipped",
        130,
    );
    closes(
        |run| run.scenarios.clear(),
        "0 passed, 1 failed, 0 skipped",
        2,
    );
    closes(
        |run| run.scenarios = vec![skipped("SEC-1")],
        "0 passed, 1 failed, 1 skipped",
        2,
    );
    let missing = not_run("USR-19", Want::Backend);
    closes(
        |run| run.scenarios.push(missing),
        "1 passed, 1 failed, 1 skipped",
        2,
    );
    assert!(junit::render(&run(Vec::new(), 1.0)).contains("no scenario was executed"));
}

#[test]
fn a_report_that_cannot_be_written_is_no_success() {
    let run = run(vec![passed("USR-1", "A user is stored")], 1.0);
    let cause = io::Error::from(io::ErrorKind::StorageFull);
    let unwritten = ReportError::File {
        path: PathBuf::from("out/junit.xml"),
        cause,
    };
    let closing = Closing::of(&run, Some(&unwritten));
    assert_eq!((closing.exit_code, closing.failed), (2, 1));
    let text = terminal::summary(&run, None, &closing, Screen::PLAIN);
    assert!(
        text.contains("cannot write the report out/junit.xml: no storage space"),
        "{text}"
    );
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("file");
    std::fs::write(&path, "").expect("a file");
    let error = prepare(&path).expect_err("a file is no folder").to_string();
    assert!(
        error.contains(&*path.to_string_lossy()) && error.contains("--report"),
        "{error}"
    );
    prepare(&place.path().join("new/folder")).expect("folders are made");
}

#[test]
fn a_report_replaces_the_one_before_or_leaves_it() {
    let place = tempfile::tempdir().expect("a folder");
    write_files(&everything(), place.path()).expect("written");
    write_files(&run(Vec::new(), 1.0), place.path()).expect("written again");
    let path = place.path().join("verdict.json");
    let text = std::fs::read_to_string(&path).expect("there");
    assert_eq!(text, verdict_json::render(&run(Vec::new(), 1.0)));
    std::fs::remove_file(&path).expect("removed");
    std::fs::create_dir(&path).expect("a folder in its place");
    let error = write_files(&everything(), place.path()).expect_err("a folder is in the way");
    assert!(
        error.to_string().contains(&*path.to_string_lossy()),
        "{error}"
    );
    let left = std::fs::read_dir(place.path()).expect("to list").count();
    assert_eq!(left, 2, "no draft is left");
}

fn any_result() -> impl Strategy<Value = ScenarioResult> {
    prop_oneof![
        8 => Just(passed("USR-1", "A user is stored")),
        1 => Just(failed("USR-7", "A second user is refused")),
        1 => Just(error("USR-9", "Only present fields change")),
        1 => Just(skipped("SEC-1")),
        1 => Just(not_run("USR-19", Want::Backend)),
        1 => Just(not_run("USR-19", Want::Control)),
        1 => Just(known_deviation("USR-13")),
    ]
}

fn any_run() -> impl Strategy<Value = RunReport> {
    let scenarios = prop::collection::vec(any_result(), 0..8);
    (
        scenarios,
        prop::sample::select(vec![1.0, 6.0]),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(scenarios, patience, interrupted, allow_missing)| RunReport {
                interrupted,
                allow_missing,
                ..run(scenarios, patience)
            },
        )
}

/// What the terminal's table says of a profile.
fn on_terminal(summary: &str, profile: Profile) -> String {
    let pattern = format!(r"(?m)^  shop +{profile} +([a-z]+(?: [a-z]+)?) +\d");
    let pattern = Regex::new(&pattern).expect("a valid pattern");
    pattern.captures(summary).expect("a row of the table")[1].to_owned()
}

/// What JUnit's property says of a profile.
fn in_junit(xml: &str, profile: Profile) -> String {
    let pattern = format!(r#"<property name="verdict\.shop\.{profile}" value="([^"]*)"/>"#);
    let pattern = Regex::new(&pattern).expect("a valid pattern");
    pattern.captures(xml).expect("a property")[1].to_owned()
}

proptest! {
    #[test]
    fn every_report_states_the_same_verdict(run in any_run()) {
        let summary = summary(&run, None);
        let xml = junit::render(&run);
        let json: serde_json::Value = serde_json::from_str(&verdict_json::render(&run)).expect("JSON");
        for (index, verdict) in run.verdicts.iter().enumerate() {
            let word = verdict.verdict.word();
            prop_assert_eq!(&json["verdicts"][index]["verdict"], word);
            prop_assert_eq!(on_terminal(&summary, verdict.profile), word);
            prop_assert_eq!(in_junit(&xml, verdict.profile), word);
        }
    }

    #[test]
    fn nothing_says_that_none_failed_unless_the_exit_status_is_0(run in any_run()) {
        let summary = summary(&run, None);
        let none_failed = Regex::new(r"\b0 failed").expect("a valid pattern").is_match(&summary);
        prop_assert_eq!(none_failed, Closing::of(&run, None).exit_code == 0, "{}", summary);
        let xml = junit::render(&run);
        let clean = Regex::new(r#"^[^\n]*\n<testsuites [^>]*failures="0" errors="0""#).expect("a valid pattern");
        prop_assert_eq!(clean.is_match(&xml), none_failed, "{}", xml);
    }

    #[test]
    fn no_control_character_reaches_a_terminal_or_xml(text in "[\u{0}-\u{9f}\u{fffe}\u{ffff}\u{202e}a-c]{0,30}") {
        let mut hostile = failed("USR-7", &text);
        if let Some(evidence) = &mut hostile.evidence {
            evidence.got.clone_from(&text);
            evidence.timeline.push(text.clone());
            evidence.logs[0].lines.push(text.clone());
        }
        let skip = result("USR-1", &text, Outcome::Skipped { reason: text.clone() });
        let run = run(vec![hostile, skip], 1.0);
        for report in [summary(&run, None), junit::render(&run)] {
            let bad = |it: char| it.is_control() && it != '\n';
            prop_assert!(!report.contains(bad), "{report:?}");
        }
    }
}
