//! Shows progress while a run is executed: a live line on a terminal, plain lines elsewhere, and each failure.

use std::io::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::evidence::heading;
use super::output_style::{OutputStyle, TextStyle};
use super::text::clean_line;
use crate::features::cases::Case;
use crate::run::execute::Watcher;
use crate::run::outcome::{Outcome, ScenarioResult};

/// Runs with fewer scenarios are too short for progress lines.
const MIN_SCENARIOS: usize = 20;

/// Shows the progress of a run.
#[derive(Debug)]
pub struct Progress {
    output: OutputStyle,
    /// The live line; `None` if lines cannot be redrawn.
    bar: Option<ProgressBar>,
    count: Mutex<Count>,
}

impl Progress {
    /// Starts to show the progress of a run with `total` scenarios on standard output.
    pub fn start(total: usize) -> Self {
        let output = OutputStyle::stdout();
        let bar = output.live.then(|| {
            let bar =
                ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stdout());
            // `wide_msg` truncates the line to the width of the terminal.
            bar.set_style(
                ProgressStyle::with_template("{wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        Self {
            output,
            bar,
            count: Mutex::new(Count::new(total)),
        }
    }

    /// Prints a line about the run as a whole.
    pub fn print_line(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => print(line),
        }
    }

    /// Removes the live line.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher for Progress {
    fn started(&self, case: &Case) {
        let mut count = self.count();
        count.started(case);
        if let Some(bar) = &self.bar {
            bar.set_message(count.live_line());
        }
    }

    fn finished(&self, result: &ScenarioResult) {
        let mut count = self.count();
        let progress = count.finished(result);
        let failure = failure_line(result, self.output);
        match &self.bar {
            Some(bar) => {
                if let Some(line) = failure {
                    bar.println(line);
                }
                bar.set_message(count.live_line());
            }
            None => failure
                .into_iter()
                .chain(progress)
                .for_each(|line| print(&line)),
        }
    }
}

fn print(line: &str) {
    // If the pipe is closed or the disk is full, printing the summary fails as well.
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// The line about a scenario that failed or ended in error; `None` for other outcomes.
fn failure_line(result: &ScenarioResult, output: OutputStyle) -> Option<String> {
    let word = match result.outcome {
        Outcome::Failed => "failed",
        Outcome::Error => "error",
        _ => return None,
    };
    let word = output.paint(TextStyle::Failure, &format!("{word:6}"));
    Some(format!("{word}  {}", heading(&result.case, output)))
}

/// The progress of a run.
#[derive(Debug)]
struct Count {
    total: usize,
    ended: usize,
    passed: usize,
    failed: usize,
    errors: usize,
    /// Running scenarios, the longest running first: component, clause, name.
    running: Vec<(String, String, String)>,
}

impl Count {
    fn new(total: usize) -> Self {
        Self {
            total,
            ended: 0,
            passed: 0,
            failed: 0,
            errors: 0,
            running: Vec::new(),
        }
    }

    fn started(&mut self, case: &Case) {
        self.running.push(key(case));
    }

    /// Counts a result; returns a progress line after each tenth of a run that is not short.
    fn finished(&mut self, result: &ScenarioResult) -> Option<String> {
        let key = key(&result.case);
        if let Some(index) = self.running.iter().position(|running| *running == key) {
            self.running.remove(index);
        }
        let before = self.tenths();
        self.ended += 1;
        match result.outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Error => self.errors += 1,
            Outcome::Skipped { .. } | Outcome::NotRun { .. } | Outcome::KnownDeviation { .. } => {}
        }
        let is_due =
            self.total >= MIN_SCENARIOS && self.tenths() > before && self.ended < self.total;
        is_due.then(|| self.line(&[(self.passed, "passed")]))
    }

    fn tenths(&self) -> usize {
        (10 * self.ended).checked_div(self.total).unwrap_or(0)
    }

    /// The live line, with the longest running scenario:
    /// `[ 87/152] 2 failed · 6 running · HLT-4 Checks run in parallel`.
    fn live_line(&self) -> String {
        let line = self.line(&[(self.running.len(), "running")]);
        match self.running.first() {
            Some((_, clause, name)) => format!("{line} · {clause} {name}"),
            None => line,
        }
    }

    /// Progress with counts. Counts of 0 are left out, so that a search for `failed` finds only failures.
    fn line(&self, more: &[(usize, &str)]) -> String {
        let width = self.total.to_string().len();
        let counts = [(self.failed, "failed"), (self.errors, "in error")];
        let counts = counts.iter().chain(more).filter(|(number, _)| *number > 0);
        let counts: Vec<_> = counts
            .map(|(number, label)| format!("{number} {label}"))
            .collect();
        let text = format!(
            "[{:width$}/{}] {}",
            self.ended,
            self.total,
            counts.join(" · ")
        );
        text.trim_end().to_owned()
    }
}

fn key(case: &Case) -> (String, String, String) {
    (
        case.component.clone(),
        case.clause.clone(),
        clean_line(&case.name),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{failed, passed};

    #[test]
    fn the_live_line_names_the_longest_running_scenario() {
        let mut count = Count::new(152);
        count.started(&passed("HLT-4", "Checks run in parallel").case);
        count.started(&passed("USR-7", "An email is taken").case);
        assert_eq!(
            count.live_line(),
            "[  0/152] 2 running · HLT-4 Checks run in parallel"
        );
        count.finished(&failed("HLT-4", "Checks run in parallel"));
        assert_eq!(
            count.live_line(),
            "[  1/152] 1 failed · 1 running · USR-7 An email is taken"
        );
    }

    #[test]
    fn plain_lines_are_printed_after_each_tenth_without_counts_of_zero() {
        let mut count = Count::new(30);
        let results = (1..=30).map(|number| match number {
            12 => failed("USR-1", "x"),
            _ => passed("USR-1", "x"),
        });
        let lines: Vec<_> = results
            .filter_map(|result| count.finished(&result))
            .collect();
        assert_eq!(lines.len(), 9, "{lines:?}");
        assert_eq!(lines[0], "[ 3/30] 3 passed");
        assert_eq!(lines[3], "[12/30] 1 failed · 11 passed");
    }

    #[test]
    fn a_short_run_prints_only_failures() {
        let mut count = Count::new(3);
        assert_eq!(count.finished(&passed("USR-1", "x")), None);
        assert_eq!(
            failure_line(&passed("USR-1", "x"), OutputStyle::PLAIN),
            None
        );
        assert_eq!(
            failure_line(&failed("USR-1", "x\u{1b}[2J"), OutputStyle::PLAIN).as_deref(),
            Some("failed  USR-1  x   features/users/email.feature:12")
        );
    }
}
