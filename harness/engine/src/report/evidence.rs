//! The block of text about a scenario that did not pass, for terminal and CI.

use super::output_style::{OutputStyle, TextStyle};
use super::text::{clean, clean_line, format_count, format_duration, shorten, wrap};
use crate::failure::Failure;
use crate::features::cases::Case;
use crate::run::outcome::{Evidence, LogExcerpt, ScenarioResult, TraceExcerpt};

/// Column at which the values of a block start.
const VALUE_COLUMN: usize = 12;

/// How much of the evidence is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Detail {
    /// Maximum number of events, the latest ones.
    max_events: usize,
    /// Maximum number of characters in a line.
    max_line: usize,
}

impl Detail {
    /// Limits for a terminal.
    pub(super) const TERMINAL: Self = Self {
        max_events: 40,
        max_line: 2_000,
    };
    /// No limits.
    pub(super) const FULL: Self = Self {
        max_events: usize::MAX,
        max_line: usize::MAX,
    };
}

/// The first line of a block: `USR-7  Its name   features/users/email.feature:12`.
pub(super) fn heading(case: &Case, output: OutputStyle) -> String {
    format!(
        "{}  {}   {}",
        output.paint(TextStyle::Failure, &clean_line(&case.clause)),
        output.paint(TextStyle::Emphasis, &clean_line(&case.name)),
        output.paint(TextStyle::Faint, &location(case, case.line)),
    )
}

/// `features/users/email.feature:12`.
fn location(case: &Case, line: usize) -> String {
    format!("features/{}:{line}", clean_line(&case.feature))
}

/// The heading and the evidence; each line ends with a line end.
pub(super) fn block(result: &ScenarioResult, output: OutputStyle, detail: Detail) -> String {
    let mut block = Block {
        text: heading(&result.case, output) + "\n",
        output,
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
    output: OutputStyle,
    detail: Detail,
}

impl Block {
    fn evidence(&mut self, result: &ScenarioResult, evidence: &Evidence) {
        let step = clean_line(&evidence.step);
        let location = location(&result.case, evidence.line);
        self.row(
            "step",
            &format!(
                "{step}   {}",
                self.output.paint(TextStyle::Faint, &location)
            ),
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

    /// The timeline, the logs and the traces.
    fn observations(&mut self, evidence: &Evidence, result: &ScenarioResult) {
        let mut lines = Vec::new();
        let older = evidence
            .timeline
            .len()
            .saturating_sub(self.detail.max_events);
        if older > 0 {
            lines.push(format!("({older} older events left out)"));
        }
        for entry in &evidence.timeline[older..] {
            lines.push(self.line(&entry.to_string()));
        }
        for log in &evidence.logs {
            self.log(log, &mut lines);
        }
        for trace in &evidence.traces {
            self.trace(trace, &mut lines);
        }
        if lines.is_empty() {
            lines.push(format!(
                "none; the scenario took {}",
                format_duration(result.duration)
            ));
        }
        self.row("evidence", &lines.join("\n"));
    }

    fn log(&self, log: &LogExcerpt, lines: &mut Vec<String>) {
        let source = clean_line(&log.source);
        lines.push(format!(
            "{source} log ({})",
            format_count(log.lines.len(), "line")
        ));
        if log.omitted > 0 {
            lines.push(format!(
                "  ({} left out)",
                format_count(log.omitted, "older line")
            ));
        }
        lines.extend(
            log.lines
                .iter()
                .map(|line| format!("  {}", self.line(line))),
        );
    }

    fn trace(&self, trace: &TraceExcerpt, lines: &mut Vec<String>) {
        let count = format_count(trace.lines.len(), "span");
        lines.push(format!("trace {} ({count})", clean_line(&trace.id)));
        let spans = trace.lines.iter();
        lines.extend(spans.map(|line| format!("  {}", self.line(line))));
    }

    /// Untrusted text, sanitized and shortened, on one line.
    fn line(&self, text: &str) -> String {
        shorten(&clean_line(text), self.detail.max_line).into_owned()
    }

    /// A value that may have several lines.
    fn value(&mut self, label: &str, value: &str) {
        let value = clean(value);
        let lines = value.trim_end().lines();
        let lines: Vec<_> = lines
            .map(|line| shorten(line, self.detail.max_line))
            .collect();
        self.row(label, &lines.join("\n"));
    }

    fn prose(&mut self, label: &str, text: &str) {
        if !text.is_empty() {
            self.row(
                label,
                &wrap(&clean_line(text), self.output.width - VALUE_COLUMN, 0),
            );
        }
    }

    fn row(&mut self, label: &str, value: &str) {
        let indentation = format!("\n{}", " ".repeat(VALUE_COLUMN));
        let value = value.replace('\n', &indentation);
        self.text
            .push_str(format!("  {label:<10}{value}").trim_end_matches(' '));
        self.text.push('\n');
    }
}
