//! The buckets of a histogram, held against each other.

use std::collections::BTreeMap;

use super::{Family, Labels};

/// The label with the upper bound of a bucket.
pub const LE: &str = "le";

/// The series of one histogram that share their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Upper bounds in ascending order, the last one infinite, each with the observations up to it.
    pub buckets: Vec<(f64, f64)>,
    /// The number of observations.
    pub count: f64,
    /// The sum of what was observed.
    pub sum: f64,
}

#[derive(Default)]
struct Parts {
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: Option<f64>,
}

impl Family {
    /// The histograms of the family by their labels without `le`; the error says what is missing, or which
    /// numbers contradict each other.
    pub fn histograms(&self) -> Result<BTreeMap<Labels, Histogram>, String> {
        let mut parts: BTreeMap<Labels, Parts> = BTreeMap::new();
        for sample in &self.samples {
            let mut labels = sample.labels.clone();
            let bound = labels.remove(LE);
            let part = parts.entry(labels).or_default();
            match (sample.name.rsplit('_').next(), bound) {
                (Some("bucket"), Some(bound)) => {
                    let number = bound.parse().map_err(|_| format!("{LE}={bound:?}"))?;
                    part.buckets.push((number, sample.value));
                }
                (Some("sum"), None) => part.sum = Some(sample.value),
                (Some("count"), None) => part.count = Some(sample.value),
                _ => {
                    return Err(format!(
                        "{} {:?} in a histogram",
                        sample.name, sample.labels
                    ));
                }
            }
        }
        let read = parts.into_iter().map(|(labels, parts)| {
            let histogram = parts.whole().map_err(|why| format!("{labels:?}: {why}"))?;
            Ok((labels, histogram))
        });
        read.collect()
    }
}

impl Parts {
    fn whole(mut self) -> Result<Histogram, String> {
        self.buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        let count = self.count.ok_or("no _count")?;
        let sum = self.sum.ok_or("no _sum")?;
        let buckets = self.buckets;
        let same = |pair: &[(f64, f64)]| pair[0].0.total_cmp(&pair[1].0).is_eq();
        if let Some(pair) = buckets.windows(2).find(|pair| same(pair)) {
            return Err(format!("two buckets up to {}", pair[0].0));
        }
        if let Some(pair) = buckets.windows(2).find(|pair| pair[0].1 > pair[1].1) {
            return Err(format!(
                "fewer up to {} than up to {}",
                pair[1].0, pair[0].0
            ));
        }
        match buckets.last() {
            Some((bound, all)) if *bound == f64::INFINITY && same_number(*all, count) => {}
            Some((bound, all)) => {
                return Err(format!("{all} up to {bound}, and _count is {count}"));
            }
            None => return Err("no bucket".to_owned()),
        }
        Ok(Histogram {
            buckets,
            count,
            sum,
        })
    }
}

/// Whether two numbers are the same, for the count of observations: a whole number in both places.
fn same_number(one: f64, other: f64) -> bool {
    one.total_cmp(&other).is_eq()
}
