//! The summary on the terminal at the end of a run.

use std::fmt::Write as _;
use std::time::Duration;

use super::Timings;
use super::evidence::{self, Detail};
use super::output_style::{OutputStyle, TextStyle};
use super::summary::Summary;
use super::text::{
    clean, clean_line, format_count, format_duration, format_ranges, mask_numbers, wrap,
};
use crate::backends::BackendInfo;
use crate::backends::provider::ProviderKind;
use crate::failure::Failure;
use crate::observe::Patience;
use crate::run::model::RunReport;
use crate::run::outcome::{Outcome, ScenarioResult};
use crate::run::verdict::{ComponentVerdict, Verdict};

/// Number of slowest scenarios and steps that are shown.
const SLOWEST_COUNT: usize = 10;

/// The complete summary of a run; its last line is the line with the counts.
pub(super) fn summary(
    run: &RunReport,
    timings: Option<&Timings>,
    summary: &Summary,
    output: OutputStyle,
) -> String {
    let mut parts = failures(run, output);
    parts.extend(errors(run, output));
    parts.extend(reasons(run, output));
    parts.push(verdicts(run, output));
    parts.push(facts(run, output));
    parts.extend(timings.map(|timings| self::timings(run, timings, output)));
    parts.push(closing(summary, output));
    format!("\n{}", parts.join("\n"))
}

/// The results whose outcome fulfils a condition.
fn results_with<'a>(
    run: &'a RunReport,
    condition: impl Fn(&Outcome) -> bool + 'a,
) -> impl Iterator<Item = &'a ScenarioResult> {
    run.scenarios
        .iter()
        .filter(move |result| condition(&result.outcome))
}

/// One block for each cause, with the evidence of its first scenario: one fault of the subject often fails many
/// scenarios, and their evidence would hide other failures. The files of `--report` contain all of it.
fn failures(run: &RunReport, output: OutputStyle) -> Vec<String> {
    let failed = results_with(run, |outcome| *outcome == Outcome::Failed);
    let groups = group_by_key(failed, |result| {
        (result.case.component.clone(), masked_message(result))
    });
    let block = |(_, results): ((String, String), Vec<&ScenarioResult>)| {
        let mut block = evidence::block(results[0], output, Detail::TERMINAL);
        let others: Vec<_> = results[1..]
            .iter()
            .map(|result| evidence::heading(&result.case, output))
            .collect();
        if !others.is_empty() {
            let others = others.join("\n            ");
            let _ = writeln!(block, "  also in   {others}");
        }
        block
    };
    groups.into_iter().map(block).collect()
}

/// One block for each cause: a dead backend leads to the same error in many scenarios.
fn errors(run: &RunReport, output: OutputStyle) -> Vec<String> {
    let errors = results_with(run, |outcome| *outcome == Outcome::Error);
    group_by_key(errors, masked_message)
        .into_iter()
        .map(|(_, results)| {
            let mut block = evidence::block(results[0], output, Detail::TERMINAL);
            if let others @ [_, ..] = &results[1..] {
                let _ = writeln!(block, "  also in   {}", list_clauses(others, output, 12));
            }
            block
        })
        .collect()
}

/// The message of a failure without the numbers and ids in which it differs between scenarios.
fn masked_message(result: &ScenarioResult) -> String {
    let failure = result.evidence.as_ref().map(|evidence| &evidence.failure);
    let text = match failure {
        Some(Failure::Mismatch { expected, got, .. }) => format!("{expected}\n{got}"),
        Some(failure) => failure.to_string(),
        // Without a message the result gets a group of its own.
        None => format!("{} {}", result.case.clause, result.case.name),
    };
    mask_numbers(&text)
}

/// A condition on outcomes.
type OutcomeFilter = fn(&Outcome) -> bool;

/// Scenarios with known deviations, not run or skipped, grouped by reason.
fn reasons(run: &RunReport, output: OutputStyle) -> Vec<String> {
    let kinds: [(&str, OutcomeFilter); 3] = [
        ("known deviations", |outcome| {
            matches!(outcome, Outcome::KnownDeviation { .. })
        }),
        ("not run", |outcome| {
            matches!(outcome, Outcome::NotRun { .. })
        }),
        ("skipped", |outcome| {
            matches!(outcome, Outcome::Skipped { .. })
        }),
    ];
    let section = |(title, filter): (&str, OutcomeFilter)| {
        let groups = group_by_key(results_with(run, filter), |result| {
            result.outcome.reason().unwrap_or_default().to_owned()
        });
        let mut text = output.paint(TextStyle::Warning, title) + "\n";
        for (reason, results) in &groups {
            let _ = writeln!(text, "  {}", wrap(&clean(reason), output.width, 2));
            let _ = writeln!(text, "    {}", list_clauses(results, output, 4));
        }
        (!groups.is_empty()).then_some(text)
    };
    kinds.into_iter().filter_map(section).collect()
}

/// Groups results by key, in the order of the first result of each group.
fn group_by_key<'a, K: PartialEq>(
    results: impl Iterator<Item = &'a ScenarioResult>,
    key: impl Fn(&ScenarioResult) -> K,
) -> Vec<(K, Vec<&'a ScenarioResult>)> {
    let mut groups: Vec<(K, Vec<_>)> = Vec::new();
    for result in results {
        let key = key(result);
        match groups.iter_mut().find(|(other, _)| *other == key) {
            Some((_, group)) => group.push(result),
            None => groups.push((key, vec![result])),
        }
    }
    groups
}

/// Number and clauses of results: `3 scenarios of USR-1, USR-3 to USR-5`.
fn list_clauses(results: &[&ScenarioResult], output: OutputStyle, indent: usize) -> String {
    let clauses = format_ranges(results.iter().map(|result| result.case.clause.as_str()));
    let text = format!("{} of {clauses}", format_count(results.len(), "scenario"));
    wrap(&text, output.width, indent)
}

/// The table of verdicts.
fn verdicts(run: &RunReport, output: OutputStyle) -> String {
    let subject = format!("{} {}", run.subject.name, run.subject.version);
    let mut text = format!(
        "{}, contract {}\n",
        output.paint(TextStyle::Emphasis, &clean_line(&subject)),
        clean_line(&run.contract)
    );
    let widths = run
        .verdicts
        .iter()
        .map(|verdict| verdict.component.chars().count());
    let width = widths.max().unwrap_or(0).max("component".len());
    let _ = writeln!(
        text,
        "  {:width$}  profile  {:14}  passed  failed  errors  not run  deviations  skipped  deselected",
        "component", "verdict"
    );
    for verdict in &run.verdicts {
        text.push_str(&row(verdict, width, output));
    }
    text
}

/// A row of the table of verdicts.
fn row(verdict: &ComponentVerdict, width: usize, output: OutputStyle) -> String {
    let style = match verdict.verdict {
        Verdict::Conformant => TextStyle::Success,
        Verdict::Partial | Verdict::Unknown => TextStyle::Warning,
        Verdict::NotConformant => TextStyle::Failure,
    };
    let word = output.paint(style, &format!("{:14}", verdict.verdict));
    let tally = &verdict.tally;
    format!(
        "  {:width$}  {:7}  {word}  {:6}  {:6}  {:6}  {:7}  {:10}  {:7}  {:10}\n",
        verdict.component,
        verdict.profile,
        tally.passed,
        tally.failed,
        tally.errors,
        tally.not_run,
        tally.known_deviations,
        tally.skipped,
        verdict.deselected,
    )
}

/// Facts about the run that the verdicts depend on.
fn facts(run: &RunReport, output: OutputStyle) -> String {
    let mut text = String::new();
    let mut fact = |label: &str, value: &str| {
        let _ = writeln!(text, "  {label:<14} {}", wrap(value, output.width, 17));
    };
    let backend = |(name, info): (&String, &crate::backends::BackendInfo)| {
        format!("{name} {} ({})", clean_line(&info.version), info.provider)
    };
    let backends: Vec<_> = run.backends.iter().map(backend).collect();
    if backends.is_empty() {
        fact("backends", "none were started");
    } else {
        fact("backends", &backends.join(", "));
    }
    if run.patience > Patience::MAX_CONFORMANT {
        fact(
            "patience",
            &format!(
                "{}: above {} no verdict is conformant",
                run.patience,
                Patience::MAX_CONFORMANT
            ),
        );
    } else if run.patience > 1.0 {
        fact("patience", &run.patience.to_string());
    }
    if !run.unjudged.is_empty() {
        fact(
            "not judged yet:",
            &format_ranges(run.unjudged.iter().map(String::as_str)),
        );
    }
    let took = format_duration(run.duration);
    fact(
        "run",
        &format!("suite {}, seed {}, {took}", run.suite_version, run.seed),
    );
    text
}

/// Durations of phases, processor time, and the slowest scenarios and steps.
fn timings(run: &RunReport, timings: &Timings, output: OutputStyle) -> String {
    let mut text = output.paint(TextStyle::Emphasis, "timings") + "\n";
    for (phase, duration) in &timings.phases {
        let _ = writeln!(text, "  {:>9}  {phase}", format_duration(*duration));
    }
    let _ = writeln!(text, "  {:>9}  in total", format_duration(timings.wall));
    let driven = timings.subjects_cpu + timings.backends_cpu;
    let is_process = |info: &BackendInfo| info.provider == ProviderKind::Process;
    let backends = if run.backends.is_empty() {
        "no backend".to_owned()
    } else if run.backends.values().all(is_process) {
        let share = overhead_of_suite(timings.suite_cpu, driven);
        format!("backends {}{share}", format_duration(timings.backends_cpu))
    } else {
        "backends unknown (not processes of this machine)".to_owned()
    };
    let _ = writeln!(
        text,
        "  processor time: suite {}, subjects {}, {backends}",
        format_duration(timings.suite_cpu),
        format_duration(timings.subjects_cpu),
    );
    text.push_str("  slowest scenarios\n");
    let mut scenarios: Vec<_> = run.scenarios.iter().collect();
    scenarios.sort_by_key(|result| std::cmp::Reverse(result.duration));
    for result in scenarios.into_iter().take(SLOWEST_COUNT) {
        let case = &result.case;
        let name = clean_line(&case.name);
        let _ = writeln!(
            text,
            "  {:>9}  {}  {name}",
            format_duration(result.duration),
            case.clause
        );
    }
    text.push_str("  slowest steps, over all scenarios\n");
    for (step, times) in step_times(run).into_iter().take(SLOWEST_COUNT) {
        let step = clean_line(step);
        let _ = writeln!(
            text,
            "  {:>9}  {}, longest {}  {step}",
            format_duration(times.total),
            format_count(times.count, "time"),
            format_duration(times.longest)
        );
    }
    text
}

/// The suite's processor time as a percentage of that of the programs that it drives; empty if that is zero.
fn overhead_of_suite(suite: Duration, driven: Duration) -> String {
    if driven.is_zero() {
        return String::new();
    }
    let percent = 100.0 * suite.as_secs_f64() / driven.as_secs_f64();
    format!(" (the suite {percent:.0} % of both)")
}

/// Durations of one step over all scenarios.
#[derive(Default)]
struct StepTimes {
    total: Duration,
    longest: Duration,
    count: usize,
}

/// The steps with their durations, those with the longest total first.
fn step_times(run: &RunReport) -> Vec<(&str, StepTimes)> {
    let mut all = std::collections::BTreeMap::<&str, StepTimes>::new();
    for (step, duration) in run.scenarios.iter().flat_map(|result| &result.steps) {
        let times = all.entry(step).or_default();
        times.total += *duration;
        times.longest = times.longest.max(*duration);
        times.count += 1;
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|(_, times)| std::cmp::Reverse(times.total));
    all
}

/// Why the run as a whole failed, if it did, and the line with the counts.
fn closing(summary: &Summary, output: OutputStyle) -> String {
    let trouble = summary.trouble.as_deref().map(|trouble| {
        let text = format!(
            "the run as a whole failed: {} (exit status {})",
            clean_line(trouble),
            summary.exit_code
        );
        output.paint(TextStyle::Failure, &text) + "\n\n"
    });
    // Without colours, because CI parses this line.
    format!("{}{summary}\n", trouble.unwrap_or_default())
}
