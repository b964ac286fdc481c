//! The summary at the end of a run, for the terminal.

use std::fmt::Write as _;
use std::time::Duration;

use super::Timings;
use super::evidence::{self, Detail};
use super::screen::{Screen, Style};
use super::summary::Summary;
use super::text::{clean, clean_line, count, masked, ranges, time, wrap};
use crate::backends::BackendInfo;
use crate::backends::provider::ProviderKind;
use crate::failure::Failure;
use crate::observe::Patience;
use crate::run::model::RunReport;
use crate::run::outcome::{Outcome, ScenarioResult};
use crate::run::verdict::{ComponentVerdict, Verdict};

/// How many of the slowest are shown.
const SLOWEST: usize = 10;

/// Everything that a run has to say, ending in the summary line alone on its line.
pub(super) fn summary(
    run: &RunReport,
    timings: Option<&Timings>,
    summary: &Summary,
    screen: Screen,
) -> String {
    let mut parts = failures(run, screen);
    parts.extend(errors(run, screen));
    parts.extend(reasons(run, screen));
    parts.push(verdicts(run, screen));
    parts.push(facts(run, screen));
    parts.extend(timings.map(|it| self::timings(run, it, screen)));
    parts.push(last_words(summary, screen));
    format!("\n{}", parts.join("\n"))
}

fn with<'a>(
    run: &'a RunReport,
    wanted: impl Fn(&Outcome) -> bool + 'a,
) -> impl Iterator<Item = &'a ScenarioResult> {
    run.scenarios.iter().filter(move |it| wanted(&it.outcome))
}

/// One block for each cause, with the evidence of its first scenario: one fault of the subject often fails
/// many, and all of their evidence would hide the others. The files of `--report` have it.
fn failures(run: &RunReport, screen: Screen) -> Vec<String> {
    let failed = with(run, |it| *it == Outcome::Failed);
    let groups = grouped(failed, |it| (it.case.component.clone(), message(it)));
    let block = |(_, results): ((String, String), Vec<&ScenarioResult>)| {
        let mut block = evidence::block(results[0], screen, Detail::SCREEN);
        let others = results[1..].iter();
        let others: Vec<_> = others
            .map(|it| evidence::heading(&it.case, screen))
            .collect();
        if !others.is_empty() {
            let others = others.join("\n            ");
            let _ = writeln!(block, "  as well   {others}");
        }
        block
    };
    groups.into_iter().map(block).collect()
}

/// The same for errors: a dead backend ends many scenarios.
fn errors(run: &RunReport, screen: Screen) -> Vec<String> {
    let errors = with(run, |it| *it == Outcome::Error);
    grouped(errors, message)
        .into_iter()
        .map(|(_, results)| {
            let mut block = evidence::block(results[0], screen, Detail::SCREEN);
            if let others @ [_, ..] = &results[1..] {
                let _ = writeln!(block, "  as well   {}", names(others, screen, 12));
            }
            block
        })
        .collect()
}

/// What a failure says, without the numbers and ids in which it differs from scenario to scenario.
fn message(result: &ScenarioResult) -> String {
    let text = match result.evidence.as_ref().map(|it| &it.failure) {
        Some(Failure::Mismatch { expected, got, .. }) => format!("{expected}\n{got}"),
        Some(failure) => failure.to_string(),
        // Without a cause it is like no other.
        None => format!("{} {}", result.case.clause, result.case.name),
    };
    masked(&text)
}

/// Whether an outcome is of one kind.
type Kind = fn(&Outcome) -> bool;

/// What was not judged, by its reason.
fn reasons(run: &RunReport, screen: Screen) -> Vec<String> {
    let kinds: [(&str, Kind); 3] = [
        ("known deviations", |outcome| {
            matches!(outcome, Outcome::KnownDeviation { .. })
        }),
        ("not run", |it| matches!(it, Outcome::NotRun { .. })),
        ("skipped", |it| matches!(it, Outcome::Skipped { .. })),
    ];
    let section = |(title, wanted): (&str, Kind)| {
        let groups = grouped(with(run, wanted), |result| {
            result.outcome.reason().unwrap_or_default().to_owned()
        });
        let mut text = screen.paint(Style::Doubt, title) + "\n";
        for (reason, results) in &groups {
            let _ = writeln!(text, "  {}", wrap(&clean(reason), screen.width, 2));
            let _ = writeln!(text, "    {}", names(results, screen, 4));
        }
        (!groups.is_empty()).then_some(text)
    };
    kinds.into_iter().filter_map(section).collect()
}

/// In the order of the first of each group.
fn grouped<'a, K: PartialEq>(
    results: impl Iterator<Item = &'a ScenarioResult>,
    key: impl Fn(&ScenarioResult) -> K,
) -> Vec<(K, Vec<&'a ScenarioResult>)> {
    let mut groups: Vec<(K, Vec<_>)> = Vec::new();
    for result in results {
        let key = key(result);
        match groups.iter_mut().find(|it| it.0 == key) {
            Some((_, group)) => group.push(result),
            None => groups.push((key, vec![result])),
        }
    }
    groups
}

/// `3 scenarios of USR-1, USR-3 to USR-5`.
fn names(results: &[&ScenarioResult], screen: Screen, indent: usize) -> String {
    let clauses = ranges(results.iter().map(|it| it.case.clause.as_str()));
    let text = format!("{} of {clauses}", count(results.len(), "scenario"));
    wrap(&text, screen.width, indent)
}

fn verdicts(run: &RunReport, screen: Screen) -> String {
    let subject = format!("{} {}", run.subject.name, run.subject.version);
    let mut text = format!(
        "{}, contract {}\n",
        screen.paint(Style::Strong, &clean_line(&subject)),
        clean_line(&run.contract)
    );
    let names = run.verdicts.iter().map(|it| it.component.chars().count());
    let width = names.max().unwrap_or(0).max("component".len());
    let _ = writeln!(
        text,
        "  {:width$}  profile  {:14}  passed  failed  errors  not run  deviations  skipped  deselected",
        "component", "verdict"
    );
    for verdict in &run.verdicts {
        text.push_str(&row(verdict, width, screen));
    }
    text
}

fn row(verdict: &ComponentVerdict, width: usize, screen: Screen) -> String {
    let style = match verdict.verdict {
        Verdict::Conformant => Style::Good,
        Verdict::Partial | Verdict::Unknown => Style::Doubt,
        Verdict::NotConformant => Style::Bad,
    };
    let word = screen.paint(style, &format!("{:14}", verdict.verdict));
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

/// What the verdicts rest on.
fn facts(run: &RunReport, screen: Screen) -> String {
    let mut text = String::new();
    let mut fact = |label: &str, value: &str| {
        let _ = writeln!(text, "  {label:<14} {}", wrap(value, screen.width, 17));
    };
    let backend = |(name, info): (&String, &crate::backends::BackendInfo)| {
        format!("{name} {} ({})", clean_line(&info.version), info.provider)
    };
    let backends: Vec<_> = run.backends.iter().map(backend).collect();
    if backends.is_empty() {
        fact("backends", "none was needed or none was there");
    } else {
        fact("backends", &backends.join(", "));
    }
    if run.patience > Patience::MOST {
        fact(
            "patience",
            &format!(
                "{}: above {} no verdict is conformant",
                run.patience,
                Patience::MOST
            ),
        );
    } else if run.patience > 1.0 {
        fact("patience", &run.patience.to_string());
    }
    if !run.unjudged.is_empty() {
        fact(
            "not judged yet:",
            &ranges(run.unjudged.iter().map(String::as_str)),
        );
    }
    let took = time(run.duration);
    fact(
        "run",
        &format!("suite {}, seed {}, {took}", run.suite_version, run.seed),
    );
    text
}

/// Where the time of the run went, slowest first.
fn timings(run: &RunReport, timings: &Timings, screen: Screen) -> String {
    let mut text = screen.paint(Style::Strong, "timings") + "\n";
    for (phase, duration) in &timings.phases {
        let _ = writeln!(text, "  {:>9}  {phase}", time(*duration));
    }
    let _ = writeln!(text, "  {:>9}  altogether", time(timings.wall));
    let driven = timings.subjects_cpu + timings.backends_cpu;
    let are_processes = |it: &BackendInfo| it.provider == ProviderKind::Process;
    let backends = if run.backends.is_empty() {
        "no backend".to_owned()
    } else if run.backends.values().all(are_processes) {
        let share = share(timings.suite_cpu, driven);
        format!("backends {}{share}", time(timings.backends_cpu))
    } else {
        "what backends took elsewhere is not known".to_owned()
    };
    let _ = writeln!(
        text,
        "  processor time: suite {}, subjects {}, {backends}",
        time(timings.suite_cpu),
        time(timings.subjects_cpu),
    );
    text.push_str("  slowest scenarios\n");
    let mut scenarios: Vec<_> = run.scenarios.iter().collect();
    scenarios.sort_by_key(|it| std::cmp::Reverse(it.duration));
    for result in scenarios.into_iter().take(SLOWEST) {
        let case = &result.case;
        let name = clean_line(&case.name);
        let _ = writeln!(
            text,
            "  {:>9}  {}  {name}",
            time(result.duration),
            case.clause
        );
    }
    text.push_str("  slowest steps, over all scenarios\n");
    for (step, times) in steps(run).into_iter().take(SLOWEST) {
        let step = clean_line(step);
        let _ = writeln!(
            text,
            "  {:>9}  {} of at most {}  {step}",
            time(times.total),
            count(times.count, "time"),
            time(times.longest)
        );
    }
    text
}

fn share(suite: Duration, driven: Duration) -> String {
    if driven.is_zero() {
        return String::new();
    }
    let percent = 100.0 * suite.as_secs_f64() / driven.as_secs_f64();
    format!(" (the suite {percent:.0} % of both)")
}

/// What one sentence took over all scenarios.
#[derive(Default)]
struct Times {
    total: Duration,
    longest: Duration,
    count: usize,
}

fn steps(run: &RunReport) -> Vec<(&str, Times)> {
    let mut all = std::collections::BTreeMap::<&str, Times>::new();
    for (step, duration) in run.scenarios.iter().flat_map(|it| &it.steps) {
        let times = all.entry(step).or_default();
        times.total += *duration;
        times.longest = times.longest.max(*duration);
        times.count += 1;
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|it| std::cmp::Reverse(it.1.total));
    all
}

/// What went wrong with the run as a whole, and the summary line.
fn last_words(summary: &Summary, screen: Screen) -> String {
    let trouble = summary.trouble.as_deref().map(|trouble| {
        let text = format!(
            "the run as a whole failed: {} (exit status {})",
            clean_line(trouble),
            summary.exit_code
        );
        screen.paint(Style::Bad, &text) + "\n\n"
    });
    // Plain on purpose: CI reads it.
    format!("{}{summary}\n", trouble.unwrap_or_default())
}
