//! `junit.xml`, for CI: one test suite for each feature file, and one for the run as a whole.

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::evidence::{self, Detail};
use super::output_style::OutputStyle;
use super::summary::Summary;
use super::text::{clean, clean_line, format_ranges};
use crate::run::model::RunReport;
use crate::run::outcome::{Outcome, ScenarioResult};

/// Renders the run as XML in the format of `JUnit`.
pub fn render(run: &RunReport) -> String {
    let subject = format!("{} {}", run.subject.name, run.subject.version);
    let mut report = Report::new(clean_line(&subject));
    report.set_time(run.duration);
    report.add_test_suite(run_suite(run));
    for results in run
        .scenarios
        .chunk_by(|one, next| one.case.feature == next.case.feature)
    {
        report.add_test_suite(feature_suite(results));
    }
    let xml = report
        .to_string()
        .expect("text without control characters is always XML");
    // Removes the attribute of the root, which is the first one: the schema of Jenkins' xUnit plugin (junit-10)
    // permits it only on suites.
    let skipped = format!(" skipped=\"{}\"", report.skipped);
    xml.replacen(&skipped, "", 1)
}

/// A test suite with the verdicts and facts of the run as properties. If the run as a whole failed, it contains
/// a test case with an error, because otherwise a run that judged nothing would look like a success.
fn run_suite(run: &RunReport) -> TestSuite {
    let mut suite = TestSuite::new("run");
    suite.set_timestamp(run.started_at);
    suite.set_time(run.duration);
    let mut property = |name: &str, value: &str| {
        suite.add_property(Property::new(clean_line(name), clean_line(value)));
    };
    for verdict in &run.verdicts {
        property(
            &format!("verdict.{}.{}", verdict.component, verdict.profile),
            verdict.verdict.word(),
        );
    }
    property("contract", &run.contract);
    property("suite", &run.suite_version);
    property("seed", &run.seed.to_string());
    property("patience", &run.patience.to_string());
    for (name, info) in &run.backends {
        property(
            &format!("backend.{name}"),
            &format!("{} ({})", info.version, info.provider),
        );
    }
    property(
        "unjudged",
        &format_ranges(run.unjudged.iter().map(String::as_str)),
    );
    if let Some(trouble) = Summary::new(run, None).trouble {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type("run").set_message(clean_line(&trouble));
        let mut case = TestCase::new("the run as a whole", status);
        case.set_classname("run");
        suite.add_test_case(case);
    }
    suite
}

/// The test suite of a feature file.
fn feature_suite(results: &[ScenarioResult]) -> TestSuite {
    let mut suite = TestSuite::new(clean_line(&results[0].case.feature));
    suite.set_time(results.iter().map(|result| result.duration).sum());
    for result in results {
        suite.add_test_case(test_case(result));
    }
    suite
}

fn test_case(result: &ScenarioResult) -> TestCase {
    let case = &result.case;
    let mut test_case = TestCase::new(clean_line(&case.name), status(result));
    test_case.set_classname(format!(
        "{}.{}",
        clean_line(&case.component),
        clean_line(&case.clause)
    ));
    test_case.set_time(result.duration);
    test_case
}

fn status(result: &ScenarioResult) -> TestCaseStatus {
    let evidence = result.evidence.as_ref();
    let mut status = match &result.outcome {
        Outcome::Passed => return TestCaseStatus::success(),
        Outcome::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Outcome::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
        Outcome::Skipped { .. } | Outcome::NotRun { .. } | Outcome::KnownDeviation { .. } => {
            TestCaseStatus::skipped()
        }
    };
    status.set_type(result.outcome.word());
    status.set_message(clean_line(&result.reason().unwrap_or_default()));
    if evidence.is_some() {
        let block = evidence::block(result, OutputStyle::PLAIN, Detail::FULL);
        status.set_description(clean(&block));
    }
    status
}
