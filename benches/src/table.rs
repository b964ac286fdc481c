//! The result: each figure with its baseline.

use std::fmt::{self, Display};
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, io};

use crate::times::Times;

/// A figure of the subject, and that of its baseline.
pub struct Row {
    /// The workload.
    pub what: String,
    /// The name of the figure.
    pub figure: &'static str,
    /// The subject's value.
    pub subject: Value,
    /// The name of the baseline.
    pub baseline: &'static str,
    /// The baseline's value.
    pub base: Value,
    /// The target of the ratio, or empty.
    pub wanted: &'static str,
}

/// A figure with its unit.
#[derive(Clone, Copy)]
pub enum Value {
    /// How long it takes.
    Time(Duration),
    /// How many there are in a second.
    Rate(f64),
    /// How many bytes it needs.
    Bytes(u64),
}

/// All rows, in the order in which they were measured.
#[derive(Default)]
pub struct Table(Vec<Row>);

impl Table {
    /// Adds a row.
    pub fn add(&mut self, row: Row) {
        self.0.push(row);
    }

    /// Adds a percentile of both, unless they were left out.
    pub fn add_quantile(
        &mut self,
        what: &str,
        (figure, part): (&'static str, f64),
        subject: &Times,
        (baseline, base): (&'static str, &Times),
        wanted: &'static str,
    ) {
        if !subject.is_empty() && !base.is_empty() {
            let (subject, base) = (subject.quantile(part), base.quantile(part));
            self.add_times((what, figure), subject, (baseline, base), wanted);
        }
    }

    /// Adds how long both take.
    pub fn add_times(
        &mut self,
        (what, figure): (&str, &'static str),
        subject: Duration,
        (baseline, base): (&'static str, Duration),
        wanted: &'static str,
    ) {
        self.add(Row {
            what: what.to_owned(),
            figure,
            subject: Value::Time(subject),
            baseline,
            base: Value::Time(base),
            wanted,
        });
    }

    /// Writes it to the target folder; the figures of a short run mean nothing and go to another file.
    pub fn write(&self, is_short: bool) -> io::Result<()> {
        let name = if is_short {
            "benches-short.md"
        } else {
            "benches.md"
        };
        fs::write(target()?.join(name), self.to_string())
    }
}

/// The folder of builds: this program is in `release/deps` or `debug/deps` there.
pub fn target() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    let target = program.ancestors().nth(3);
    target
        .map(PathBuf::from)
        .ok_or_else(|| io::Error::other(format!("{} is in no target folder", program.display())))
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| workload | figure | subject | baseline | baseline's figure | ratio | target |\n\
             |---|---|--:|---|--:|--:|---|"
        )?;
        for row in &self.0 {
            writeln!(
                f,
                "| {} | {} | {} | {} | {} | {:.2} | {} |",
                row.what,
                row.figure,
                row.subject,
                row.baseline,
                row.base,
                row.subject.number() / row.base.number(),
                row.wanted
            )?;
        }
        Ok(())
    }
}

impl Value {
    #[expect(clippy::cast_precision_loss, reason = "for a ratio of two digits")]
    fn number(self) -> f64 {
        match self {
            Self::Time(time) => time.as_secs_f64(),
            Self::Rate(rate) => rate,
            Self::Bytes(bytes) => bytes as f64,
        }
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) if time.as_micros() < 10 => write!(f, "{} ns", time.as_nanos()),
            Self::Time(time) if time.as_millis() < 10 => write!(f, "{} µs", time.as_micros()),
            Self::Time(time) => write!(f, "{} ms", time.as_millis()),
            Self::Rate(rate) => write!(f, "{rate:.0}/s"),
            Self::Bytes(_) => write!(f, "{:.1} MiB", self.number() / f64::from(1 << 20)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_both_figures_and_their_ratio() {
        let mut table = Table::default();
        table.add(Row {
            what: "GetUser".to_owned(),
            figure: "p50",
            subject: Value::Time(Duration::from_micros(300)),
            baseline: "empty call",
            base: Value::Time(Duration::from_micros(120)),
            wanted: "",
        });
        let text = table.to_string();
        let row = "| GetUser | p50 | 300 µs | empty call | 120 µs | 2.50 |  |";
        assert_eq!(text.lines().last(), Some(row), "{text}");
    }
}
