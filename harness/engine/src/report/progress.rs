//! While a run goes on: a live line on a terminal, plain lines elsewhere, every failure at once.

use std::io::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::evidence::heading;
use super::screen::{Screen, Style};
use super::text::clean_line;
use crate::features::cases::Case;
use crate::run::execute::Watcher;
use crate::run::outcome::{Outcome, ScenarioResult};

/// A run of fewer scenarios is over before its progress is of interest.
const FEW: usize = 20;

/// Shows the progress of a run.
#[derive(Debug)]
pub struct Progress {
    screen: Screen,
    /// The live line; none where lines cannot be redrawn.
    bar: Option<ProgressBar>,
    count: Mutex<Count>,
}

impl Progress {
    /// A run of `total` scenarios begins; the kind of standard output decides how it is shown.
    pub fn begin(total: usize) -> Self {
        let screen = Screen::stdout();
        let bar = screen.live.then(|| {
            let bar =
                ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stdout());
            // The name of a scenario may be longer than the line.
            bar.set_style(
                ProgressStyle::with_template("{wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        Self {
            screen,
            bar,
            count: Mutex::new(Count::new(total)),
        }
    }

    /// Prints a line about the run as a whole.
    pub fn print_line(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => say(line),
        }
    }

    /// The run is over; the live line goes.
    pub fn end(&self) {
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
            bar.set_message(count.live());
        }
    }

    fn finished(&self, result: &ScenarioResult) {
        let mut count = self.count();
        let beat = count.finished(result);
        let failure = failure(result, self.screen);
        match &self.bar {
            Some(bar) => {
                if let Some(line) = failure {
                    bar.println(line);
                }
                bar.set_message(count.live());
            }
            None => failure.into_iter().chain(beat).for_each(|it| say(&it)),
        }
    }
}

fn say(line: &str) {
    // The pipe is closed, or the disk is full: the summary will say so.
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// The line for a scenario that failed or ended in error.
fn failure(result: &ScenarioResult, screen: Screen) -> Option<String> {
    let word = match result.outcome {
        Outcome::Failed => "failed",
        Outcome::Error => "error",
        _ => return None,
    };
    let word = screen.paint(Style::Bad, &format!("{word:6}"));
    Some(format!("{word}  {}", heading(&result.case, screen)))
}

/// How far a run is.
#[derive(Debug)]
struct Count {
    total: usize,
    ended: usize,
    passed: usize,
    failed: usize,
    errors: usize,
    /// What is under way, the oldest first: component, clause, name.
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

    /// A line now and then: after each tenth of a run that is not short.
    fn finished(&mut self, result: &ScenarioResult) -> Option<String> {
        let key = key(&result.case);
        if let Some(index) = self.running.iter().position(|it| *it == key) {
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
        let due = self.total >= FEW && self.tenths() > before && self.ended < self.total;
        due.then(|| self.line(&[(self.passed, "passed")]))
    }

    fn tenths(&self) -> usize {
        (10 * self.ended).checked_div(self.total).unwrap_or(0)
    }

    /// `[ 87/152] 2 failed · 6 running · HLT-4 Checks run in parallel`: the name is that of the oldest.
    fn live(&self) -> String {
        let line = self.line(&[(self.running.len(), "running")]);
        match self.running.first() {
            Some((_, clause, name)) => format!("{line} · {clause} {name}"),
            None => line,
        }
    }

    /// Only what there is: who searches the output for failures finds none before there is one.
    fn line(&self, more: &[(usize, &str)]) -> String {
        let width = self.total.to_string().len();
        let counts = [(self.failed, "failed"), (self.errors, "in error")];
        let counts = counts.iter().chain(more).filter(|it| it.0 > 0);
        let counts: Vec<_> = counts
            .map(|(number, what)| format!("{number} {what}"))
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
    fn the_live_line_names_what_runs_longest() {
        let mut count = Count::new(152);
        count.started(&passed("HLT-4", "Checks run in parallel").case);
        count.started(&passed("USR-7", "An email is taken").case);
        assert_eq!(
            count.live(),
            "[  0/152] 2 running · HLT-4 Checks run in parallel"
        );
        count.finished(&failed("HLT-4", "Checks run in parallel"));
        assert_eq!(
            count.live(),
            "[  1/152] 1 failed · 1 running · USR-7 An email is taken"
        );
    }

    #[test]
    fn plain_lines_come_after_each_tenth_and_name_no_failure_before_there_is_one() {
        let mut count = Count::new(30);
        let results = (1..=30).map(|number| match number {
            12 => failed("USR-1", "x"),
            _ => passed("USR-1", "x"),
        });
        let lines: Vec<_> = results.filter_map(|it| count.finished(&it)).collect();
        assert_eq!(lines.len(), 9, "{lines:?}");
        assert_eq!(lines[0], "[ 3/30] 3 passed");
        assert_eq!(lines[3], "[12/30] 1 failed · 11 passed");
    }

    #[test]
    fn a_short_run_says_only_its_failures() {
        let mut count = Count::new(3);
        assert_eq!(count.finished(&passed("USR-1", "x")), None);
        assert_eq!(failure(&passed("USR-1", "x"), Screen::PLAIN), None);
        assert_eq!(
            failure(&failed("USR-1", "x\u{1b}[2J"), Screen::PLAIN).as_deref(),
            Some("failed  USR-1  x   features/users/email.feature:12")
        );
    }
}
