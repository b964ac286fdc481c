//! Golden reports, and properties of all reports.
//!
//! `UPDATE_GOLDEN=1 cargo test --lib golden` updates the files; review the difference.

mod junit_schema;

use std::path::Path;

use proptest::prelude::*;
use regex::Regex;

use super::samples::*;
use super::*;
use crate::failure::Failure;
use crate::features::select::Profile;
use crate::observe::journal::EventKind;
use crate::run::outcome::{MissingKind, Outcome, ScenarioResult};

fn summary(run: &RunReport, timings: Option<&Timings>) -> String {
    terminal::summary(run, timings, &Summary::new(run, None), OutputStyle::PLAIN)
}

/// Compares a text with a file in `golden/`.
#[track_caller]
fn check_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/report/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).expect("to write the golden file");
    }
    let expected = std::fs::read_to_string(&path).expect("a golden file");
    assert_eq!(text, expected, "{name} differs; UPDATE_GOLDEN=1 updates it");
}

#[test]
fn golden_summary_of_a_run_with_every_outcome() {
    check_golden("everything.txt", &summary(&run_with_all_outcomes(), None));
}

#[test]
fn golden_summary_of_a_conformant_run_with_timings() {
    let timings = Timings {
        wall: Duration::from_millis(12_345),
        suite_cpu: Duration::from_secs(2),
        subjects_cpu: Duration::from_secs(3),
        backends_cpu: Duration::from_secs(5),
        phases: vec![
            ("backends up".to_owned(), Duration::from_millis(900)),
            ("scenarios".to_owned(), Duration::from_secs(11)),
        ],
    };
    let run = run(
        vec![passed("USR-1", "A user is stored"), skipped("SEC-1")],
        1.0,
    );
    check_golden("conformant.txt", &summary(&run, Some(&timings)));
}

#[test]
fn golden_verdict_json() {
    check_golden(
        "verdict.json",
        &verdict_json::render(&run_with_all_outcomes()),
    );
}

#[test]
fn golden_junit() {
    check_golden("junit.xml", &junit::render(&run_with_all_outcomes()));
}

/// Checks the last line of the summary and the exit status of a changed run.
#[track_caller]
fn check_closing(change: impl FnOnce(&mut RunReport), line: &str, exit_code: u8) {
    let mut run = run(vec![passed("USR-1", "A user is stored")], 1.0);
    change(&mut run);
    let summary = summary(&run, None);
    assert_eq!(summary.lines().last(), Some(line), "{summary}");
    assert_eq!(Summary::new(&run, None).exit_code, exit_code);
}

#[test]
fn the_last_line_counts_every_scenario() {
    check_closing(|_| {}, "1 passed, 0 failed, 0 skipped", 0);
    check_closing(
        |run| *run = run_with_all_outcomes(),
        "1 passed, 1 failed, 2 errors, 4 skipped",
        1,
    );
}

#[test]
fn errors_are_counted_separately_from_failures() {
    let broken = error("USR-9", "Only present fields change");
    check_closing(
        |run| run.scenarios.push(broken.clone()),
        "1 passed, 1 error, 0 skipped",
        2,
    );
    check_closing(
        |run| run.scenarios.extend([broken.clone(), broken.clone()]),
        "1 passed, 2 errors, 0 skipped",
        2,
    );
}

/// A failure of USR-7 that observed `got`.
fn failed_with(name: &str, got: &str) -> ScenarioResult {
    let mut result = failed("USR-7", name);
    if let Some(evidence) = &mut result.evidence {
        evidence.failure = Failure::mismatch("ALREADY_EXISTS", got);
    }
    result
}

#[test]
fn failures_with_the_same_cause_are_one_block_that_lists_the_others() {
    let run = run(
        vec![
            failed_with("One", "OK, user 0191-7c after 12 ms"),
            failed_with("Two", "NOT_FOUND"),
            failed_with("Three", "OK, user 0192-8d after 7 ms"),
        ],
        1.0,
    );
    let text = summary(&run, None);
    assert_eq!(text.matches("  evidence  ").count(), 2, "{text}");
    let place = "features/users/email.feature:12";
    assert!(
        text.contains(&format!("\n  also in   USR-7  Three   {place}\n")),
        "{text}"
    );
    assert!(text.contains("0 passed, 3 failed, 0 skipped"), "{text}");
    let (xml, json) = (junit::render(&run), verdict_json::render(&run));
    assert_eq!(xml.matches("<failure ").count(), 3, "{xml}");
    assert_eq!(json.matches("\"failed\",").count(), 3, "{json}");
}

#[test]
fn failures_of_two_components_are_not_grouped() {
    let mut other = failed_with("Two", "OK");
    std::sync::Arc::make_mut(&mut other.case).component = "gateway".to_owned();
    let text = summary(&run(vec![failed_with("One", "OK"), other], 1.0), None);
    assert!(!text.contains("also in"), "{text}");
}

#[test]
fn timings_of_a_run_without_backends_name_no_backend() {
    let mut run = run(vec![passed("USR-1", "A user is stored")], 1.0);
    run.backends.clear();
    let timings = Timings {
        suite_cpu: Duration::from_secs(2),
        ..Timings::default()
    };
    let text = summary(&run, Some(&timings));
    assert!(text.contains("subjects 0 ms, no backend\n"), "{text}");
}

#[test]
fn a_run_that_failed_as_a_whole_counts_as_one_failure() {
    check_closing(
        |run| run.interrupted = true,
        "1 passed, 1 failed, 0 skipped",
        130,
    );
    check_closing(
        |run| run.scenarios.clear(),
        "0 passed, 1 failed, 0 skipped",
        2,
    );
    check_closing(
        |run| run.scenarios = vec![skipped("SEC-1")],
        "0 passed, 1 failed, 1 skipped",
        2,
    );
    let missing = not_run("USR-19", MissingKind::Backend);
    check_closing(
        |run| run.scenarios.push(missing),
        "1 passed, 1 failed, 1 skipped",
        2,
    );
    assert!(junit::render(&run(Vec::new(), 1.0)).contains("no scenario was executed"));
}

#[test]
fn a_report_that_cannot_be_written_makes_the_run_fail() {
    let run = run(vec![passed("USR-1", "A user is stored")], 1.0);
    let cause = io::Error::from(io::ErrorKind::StorageFull);
    let write_error = ReportError::File {
        path: PathBuf::from("out/junit.xml"),
        cause,
    };
    let summary = Summary::new(&run, Some(&write_error));
    assert_eq!((summary.exit_code, summary.failed), (2, 1));
    let text = terminal::summary(&run, None, &summary, OutputStyle::PLAIN);
    assert!(
        text.contains("cannot write the report out/junit.xml: no storage space"),
        "{text}"
    );
}

#[test]
fn a_report_folder_that_cannot_be_created_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    std::fs::write(&path, "").expect("a file");
    let error = prepare_folder(&path)
        .expect_err("a file is not a folder")
        .to_string();
    assert!(
        error.contains(&*path.to_string_lossy()) && error.contains("--report"),
        "{error}"
    );
    prepare_folder(&folder.path().join("new/folder")).expect("folders are created");
}

#[test]
fn a_report_file_is_replaced_completely_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    write_files(&run_with_all_outcomes(), folder.path()).expect("written");
    write_files(&run(Vec::new(), 1.0), folder.path()).expect("written again");
    let path = folder.path().join("verdict.json");
    let text = std::fs::read_to_string(&path).expect("a file");
    assert_eq!(text, verdict_json::render(&run(Vec::new(), 1.0)));
    std::fs::remove_file(&path).expect("removed");
    std::fs::create_dir(&path).expect("a folder in its place");
    let error =
        write_files(&run_with_all_outcomes(), folder.path()).expect_err("a folder is in the way");
    assert!(
        error.to_string().contains(&*path.to_string_lossy()),
        "{error}"
    );
    let left = std::fs::read_dir(folder.path()).expect("to list").count();
    assert_eq!(left, 2, "no draft is left");
}

#[test]
fn a_written_verdict_can_be_parsed() {
    let run = run_with_all_outcomes();
    let text = verdict_json::render(&run);
    let document = verdict_json::parse(&text).expect("a valid document");
    let names: Vec<&str> = document.failed().map(|entry| entry.name.as_str()).collect();
    let failed = run
        .scenarios
        .iter()
        .filter(|result| matches!(result.outcome, Outcome::Failed | Outcome::Error));
    let expected: Vec<&str> = failed.map(|result| result.case.name.as_str()).collect();
    assert!(!expected.is_empty() && names == expected, "{names:?}");
    for other in ["{}", "[]", "{\"scenarios\": []}"] {
        assert!(verdict_json::parse(other).is_err(), "{other}");
    }
    let unknown = text.replacen("\"outcome\": \"failed\"", "\"outcome\": \"fallen\"", 1);
    assert!(verdict_json::parse(&unknown).is_err());
}

fn any_result() -> impl Strategy<Value = ScenarioResult> {
    prop_oneof![
        8 => Just(passed("USR-1", "A user is stored")),
        1 => Just(failed("USR-7", "A second user is refused")),
        1 => Just(error("USR-9", "Only present fields change")),
        1 => Just(skipped("SEC-1")),
        1 => Just(not_run("USR-19", MissingKind::Backend)),
        1 => Just(not_run("USR-19", MissingKind::Control)),
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

/// The verdict for a profile in the table on the terminal.
fn on_terminal(summary: &str, profile: Profile) -> String {
    let pattern = format!(r"(?m)^  shop +{profile} +([a-z]+(?: [a-z]+)?) +\d");
    let pattern = Regex::new(&pattern).expect("a valid pattern");
    pattern.captures(summary).expect("a row of the table")[1].to_owned()
}

/// The verdict for a profile in `junit.xml`.
fn in_junit(xml: &str, profile: Profile) -> String {
    let pattern = format!(r#"<property name="verdict\.shop\.{profile}" value="([^"]*)"/>"#);
    let pattern = Regex::new(&pattern).expect("a valid pattern");
    pattern.captures(xml).expect("a property")[1].to_owned()
}

proptest! {
    #[test]
    fn all_reports_show_the_same_verdicts(run in any_run()) {
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
    fn a_report_counts_no_failure_exactly_if_the_exit_status_is_0(run in any_run()) {
        let summary = summary(&run, None);
        let none_failed = Regex::new(r"\b0 failed").expect("a valid pattern").is_match(&summary);
        prop_assert_eq!(none_failed, Summary::new(&run, None).exit_code == 0, "{}", summary);
        let xml = junit::render(&run);
        let clean = Regex::new(r#"^[^\n]*\n<testsuites [^>]*failures="0" errors="0""#).expect("a valid pattern");
        prop_assert_eq!(clean.is_match(&xml), none_failed, "{}", xml);
    }

    #[test]
    fn no_report_contains_control_characters(text in "[\u{0}-\u{9f}\u{fffe}\u{ffff}\u{202e}a-c]{0,30}") {
        let mut hostile = failed("USR-7", &text);
        if let Some(evidence) = &mut hostile.evidence {
            evidence.failure = Failure::mismatch(&text, &text).detail(&text);
            let kind = EventKind::Note { text: text.clone() };
            evidence.timeline[0].kind = kind;
            evidence.logs[0].lines.push(text.clone());
            evidence.traces[0].lines.push(text.clone());
        }
        let skip = result("USR-1", &text, Outcome::Skipped { reason: text.clone() });
        let run = run(vec![hostile, skip], 1.0);
        for report in [summary(&run, None), junit::render(&run)] {
            let is_forbidden =
                |character: char| character.is_control() && character != '\n';
            prop_assert!(!report.contains(is_forbidden), "{report:?}");
        }
    }
}
