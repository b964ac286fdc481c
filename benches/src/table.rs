//! The table of results: each metric of the subject next to that of its baseline.

use std::fmt::{self, Display};
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, io};

use crate::latencies::Latencies;

/// One metric of the subject, and the same metric of its baseline.
pub struct Row {
    /// The workload.
    pub workload: String,
    /// The metric, such as p50.
    pub metric: &'static str,
    /// The subject's value.
    pub subject: Quantity,
    /// The name of the baseline.
    pub baseline: &'static str,
    /// The baseline's value.
    pub baseline_value: Quantity,
    /// The required ratio; empty if none is required.
    pub target: &'static str,
}

/// A measured value with its unit.
#[derive(Clone, Copy)]
pub enum Quantity {
    /// A duration.
    Time(Duration),
    /// A number per second.
    Rate(f64),
    /// A number of bytes.
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

    /// Adds a quantile of the latencies of both; adds nothing if Criterion's filter excluded the bench.
    pub fn add_quantile(
        &mut self,
        workload: &str,
        (metric, quantile): (&'static str, f64),
        subject: &Latencies,
        (baseline, base): (&'static str, &Latencies),
        target: &'static str,
    ) {
        if !subject.is_empty() && !base.is_empty() {
            let (subject, base) = (subject.quantile(quantile), base.quantile(quantile));
            self.add_durations((workload, metric), subject, (baseline, base), target);
        }
    }

    /// Adds two durations.
    pub fn add_durations(
        &mut self,
        (workload, metric): (&str, &'static str),
        subject: Duration,
        (baseline, base): (&'static str, Duration),
        target: &'static str,
    ) {
        self.add(Row {
            workload: workload.to_owned(),
            metric,
            subject: Quantity::Time(subject),
            baseline,
            baseline_value: Quantity::Time(base),
            target,
        });
    }

    /// Writes the table to the target folder; a short run, whose values are meaningless, writes another file.
    pub fn write(&self, is_short: bool) -> io::Result<()> {
        let name = if is_short {
            "benches-short.md"
        } else {
            "benches.md"
        };
        fs::write(target_folder()?.join(name), self.to_string())
    }
}

/// The target folder of cargo; this program is in its `release/deps` or `debug/deps`.
pub fn target_folder() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    let folder = program.ancestors().nth(3);
    folder
        .map(PathBuf::from)
        .ok_or_else(|| io::Error::other(format!("{} is not in a target folder", program.display())))
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| workload | metric | subject | baseline | baseline value | ratio | target |\n\
             |---|---|--:|---|--:|--:|---|"
        )?;
        for row in &self.0 {
            writeln!(
                f,
                "| {} | {} | {} | {} | {} | {:.2} | {} |",
                row.workload,
                row.metric,
                row.subject,
                row.baseline,
                row.baseline_value,
                row.subject.number() / row.baseline_value.number(),
                row.target
            )?;
        }
        Ok(())
    }
}

impl Quantity {
    #[expect(clippy::cast_precision_loss, reason = "for a ratio of two digits")]
    fn number(self) -> f64 {
        match self {
            Self::Time(time) => time.as_secs_f64(),
            Self::Rate(rate) => rate,
            Self::Bytes(bytes) => bytes as f64,
        }
    }
}

impl Display for Quantity {
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
    fn a_row_contains_both_values_and_their_ratio() {
        let mut table = Table::default();
        table.add(Row {
            workload: "GetUser".to_owned(),
            metric: "p50",
            subject: Quantity::Time(Duration::from_micros(300)),
            baseline: "empty call",
            baseline_value: Quantity::Time(Duration::from_micros(120)),
            target: "",
        });
        let text = table.to_string();
        let row = "| GetUser | p50 | 300 µs | empty call | 120 µs | 2.50 |  |";
        assert_eq!(text.lines().last(), Some(row), "{text}");
    }
}
