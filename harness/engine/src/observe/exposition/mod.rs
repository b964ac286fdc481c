//! A page of metrics: the Prometheus text format 0.0.4, read strictly.
//!
//! - `parse`: the text of a page
//! - [`histogram`]: the buckets of a histogram
//!
//! The parsers on crates.io skip lines that they cannot read. Here such a line makes the page invalid, and so do
//! series that occur twice, families in several groups, and unknown escapes.

pub mod histogram;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

/// Names and values of the labels of a series.
pub type Labels = BTreeMap<String, String>;

/// The families of a page, by their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition {
    families: BTreeMap<String, Family>,
}

/// A family: all series of one name, and for a histogram its buckets, sums and counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Family {
    /// The text of HELP; `None` if there is no such line, or an empty one.
    pub help: Option<String>,
    /// The type; `None` without a TYPE line.
    pub kind: Option<Kind>,
    /// Its samples, in the order of the page.
    pub samples: Vec<Sample>,
}

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `counter`
    Counter,
    /// `gauge`
    Gauge,
    /// `histogram`
    Histogram,
    /// `summary`
    Summary,
    /// `untyped`
    Untyped,
}

/// One line with a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The name on the line, with the suffix `_bucket`, `_sum` or `_count` in a histogram.
    pub name: String,
    /// Its labels, `le` included.
    pub labels: Labels,
    /// Its value; NaN and infinities are valid.
    pub value: f64,
}

impl Kind {
    /// The word of a TYPE line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Untyped => "untyped",
        }
    }

    /// The type of a word; `None` for an unknown one, those of `OpenMetrics` included.
    pub fn of_word(word: &str) -> Option<Self> {
        let kinds = [
            Self::Counter,
            Self::Gauge,
            Self::Histogram,
            Self::Summary,
            Self::Untyped,
        ];
        kinds.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether a family of this type has samples with this suffix.
    fn has_suffix(self, suffix: &str) -> bool {
        match self {
            Self::Histogram => matches!(suffix, "_bucket" | "_sum" | "_count"),
            Self::Summary => matches!(suffix, "_sum" | "_count"),
            Self::Counter | Self::Gauge | Self::Untyped => false,
        }
    }
}

impl Exposition {
    /// Reads a page. The error names the first line that violates the format, and why.
    pub fn parse(page: &[u8]) -> Result<Self, String> {
        parse::page(page).map(|families| Self { families })
    }

    /// A family by its name.
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.get(name)
    }

    /// All families, by their names.
    pub fn families(&self) -> &BTreeMap<String, Family> {
        &self.families
    }

    /// The number of series: of lines with a value.
    pub fn series(&self) -> usize {
        self.families.values().map(|it| it.samples.len()).sum()
    }

    /// The value of the only series of a family without labels.
    pub fn single(&self, name: &str) -> Result<f64, String> {
        let family = self.family(name).ok_or_else(|| format!("no {name}"))?;
        match family.samples.as_slice() {
            [only] if only.labels.is_empty() => Ok(only.value),
            other => Err(format!("{name} has the series {other:?}")),
        }
    }

    /// The values of a counter or gauge by their labels; empty if there is no such family.
    pub fn values(&self, name: &str) -> BTreeMap<Labels, f64> {
        let samples = self.family(name).map_or(&[][..], |it| &it.samples);
        let pairs = samples.iter().map(|it| (it.labels.clone(), it.value));
        pairs.collect()
    }
}

impl Family {
    /// The names of the labels of each sample, without `le`, each set once.
    pub fn label_sets(&self) -> Vec<Vec<&str>> {
        let mut sets: Vec<Vec<&str>> = Vec::new();
        for sample in &self.samples {
            let names = sample.labels.keys().map(String::as_str);
            let set = names.filter(|name| *name != histogram::LE).collect();
            if !sets.contains(&set) {
                sets.push(set);
            }
        }
        sets
    }

    /// The different values of a label.
    pub fn label_values(&self, name: &str) -> std::collections::BTreeSet<&str> {
        let values = self.samples.iter().filter_map(|it| it.labels.get(name));
        values.map(String::as_str).collect()
    }
}
