//! What shows why a scenario did not pass, as a block of text: the same for people and for CI.

use super::screen::{Screen, Style};
use super::text::{clean, clean_line, count, shorten, time, wrap};
use crate::failure::Failure;
use crate::features::cases::Case;
use crate::run::outcome::{Evidence, LogExcerpt, ScenarioResult};

/// Where the values of a block begin.
const COLUMN: usize = 12;

/// How much of it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Detail {
    /// Entries of the timeline; the newest.
    timeline: usize,
    /// Characters of one line.
    line: usize,
}

impl Detail {
    /// For a terminal.
    pub(super) const SCREEN: Self = Self {
        timeline: 40,
        line: 2_000,
    };
    /// Everything.
    pub(super) const WHOLE: Self = Self {
        timeline: usize::MAX,
        line: usize::MAX,
    };
}

/// `USR-7  Its name   features/users/email.feature:12`.
pub(super) fn heading(case: &Case, screen: Screen) -> String {
    format!(
        "{}  {}   {}",
        screen.paint(Style::Bad, &clean_line(&case.clause)),
        screen.paint(Style::Strong, &clean_line(&case.name)),
        screen.paint(Style::Faint, &place(case, case.line)),
    )
}

fn place(case: &Case, line: usize) -> String {
    format!("features/{}:{line}", clean_line(&case.feature))
}

/// The heading and everything that is known; each line ends with a line end.
pub(super) fn block(result: &ScenarioResult, screen: Screen, detail: Detail) -> String {
    let mut block = Block {
        text: heading(&result.case, screen) + "\n",
        screen,
        detail,
    };
    block.prose("clause", &result.case.text);
    if let Some(evidence) = &result.evidence {
        block.evidence(result, evidence);
    }
    block.text
}

struct Block {
    text: String,
    screen: Screen,
    detail: Detail,
}

impl Block {
    fn evidence(&mut self, result: &ScenarioResult, evidence: &Evidence) {
        let step = clean_line(&evidence.step);
        let place = place(&result.case, evidence.line);
        self.row(
            "step",
            &format!("{step}   {}", self.screen.paint(Style::Faint, &place)),
        );
        match &evidence.failure {
            Failure::Mismatch {
                expected,
                got,
                details,
            } => {
                self.value("expected", expected);
                self.value("got", got);
                if !details.is_empty() {
                    self.value("details", &details.join("\n"));
                }
            }
            Failure::Broken { cause: text }
            | Failure::Missing { reason: text }
            | Failure::Unsupported { reason: text } => self.value("error", text),
        }
        self.observations(evidence, result);
        if !evidence.rerun.is_empty() {
            self.row("rerun", &clean_line(&evidence.rerun));
        }
    }

    /// The timeline and the logs.
    fn observations(&mut self, evidence: &Evidence, result: &ScenarioResult) {
        let mut lines = Vec::new();
        let older = evidence.timeline.len().saturating_sub(self.detail.timeline);
        if older > 0 {
            lines.push(format!("({older} older entries left out)"));
        }
        for entry in &evidence.timeline[older..] {
            lines.push(self.line(&entry.to_string()));
        }
        for log in &evidence.logs {
            self.log(log, &mut lines);
        }
        if lines.is_empty() {
            lines.push(format!("none; it took {}", time(result.duration)));
        }
        self.row("evidence", &lines.join("\n"));
    }

    fn log(&self, log: &LogExcerpt, lines: &mut Vec<String>) {
        let source = clean_line(&log.source);
        lines.push(format!("{source} log ({})", count(log.lines.len(), "line")));
        if log.omitted > 0 {
            lines.push(format!("  ({} left out)", count(log.omitted, "older line")));
        }
        lines.extend(log.lines.iter().map(|it| format!("  {}", self.line(it))));
    }

    /// Untrusted text on one line.
    fn line(&self, text: &str) -> String {
        shorten(&clean_line(text), self.detail.line).into_owned()
    }

    /// A value that may have several lines.
    fn value(&mut self, label: &str, value: &str) {
        let value = clean(value);
        let lines = value.trim_end().lines();
        let lines: Vec<_> = lines.map(|it| shorten(it, self.detail.line)).collect();
        self.row(label, &lines.join("\n"));
    }

    fn prose(&mut self, label: &str, text: &str) {
        if !text.is_empty() {
            self.row(
                label,
                &wrap(&clean_line(text), self.screen.width - COLUMN, 0),
            );
        }
    }

    fn row(&mut self, label: &str, value: &str) {
        let indentation = format!("\n{}", " ".repeat(COLUMN));
        let value = value.replace('\n', &indentation);
        self.text
            .push_str(format!("  {label:<10}{value}").trim_end_matches(' '));
        self.text.push('\n');
    }
}
