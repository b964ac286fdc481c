//! `junit.xml`: what CI reads. One suite for each feature file, one for the run as a whole.

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::evidence::{self, Detail};
use super::screen::Screen;
use super::summary::Summary;
use super::text::{clean, clean_line, ranges};
use crate::run::model::RunReport;
use crate::run::outcome::{Outcome, ScenarioResult};

/// The run as XML in the form that `JUnit` made common.
pub fn render(run: &RunReport) -> String {
    let subject = format!("{} {}", run.subject.name, run.subject.version);
    let mut report = Report::new(clean_line(&subject));
    report.set_time(run.duration);
    report.add_test_suite(whole(run));
    for results in run
        .scenarios
        .chunk_by(|one, next| one.case.feature == next.case.feature)
    {
        report.add_test_suite(feature(results));
    }
    let xml = report
        .to_string()
        .expect("text without control characters is always XML");
    // The root has the first such attribute; the schema of Jenkins' xUnit plugin (junit-10) has it for suites alone.
    let skipped = format!(" skipped=\"{}\"", report.skipped);
    xml.replacen(&skipped, "", 1)
}

/// The verdicts and what they rest on; with a case of its own when the run as a whole went wrong, or a
/// run that judged nothing would look like a success.
fn whole(run: &RunReport) -> TestSuite {
    let mut suite = TestSuite::new("run");
    suite.set_timestamp(run.started_at);
    suite.set_time(run.duration);
    let mut property = |name: &str, value: &str| {
        suite.add_property(Property::new(clean_line(name), clean_line(value)));
    };
    for it in &run.verdicts {
        property(
            &format!("verdict.{}.{}", it.component, it.profile),
            it.verdict.word(),
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
    property("unjudged", &ranges(run.unjudged.iter().map(String::as_str)));
    if let Some(trouble) = Summary::of(run, None).trouble {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type("run").set_message(clean_line(&trouble));
        let mut case = TestCase::new("the run as a whole", status);
        case.set_classname("run");
        suite.add_test_case(case);
    }
    suite
}

fn feature(results: &[ScenarioResult]) -> TestSuite {
    let mut suite = TestSuite::new(clean_line(&results[0].case.feature));
    suite.set_time(results.iter().map(|it| it.duration).sum());
    for result in results {
        suite.add_test_case(case(result));
    }
    suite
}

fn case(result: &ScenarioResult) -> TestCase {
    let it = &result.case;
    let mut case = TestCase::new(clean_line(&it.name), status(result));
    case.set_classname(format!(
        "{}.{}",
        clean_line(&it.component),
        clean_line(&it.clause)
    ));
    case.set_time(result.duration);
    case
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
        let block = evidence::block(result, Screen::PLAIN, Detail::WHOLE);
        status.set_description(clean(&block));
    }
    status
}
