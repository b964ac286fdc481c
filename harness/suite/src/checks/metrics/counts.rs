//! What was counted between two pages of one process (MET-3, MET-5).

use std::collections::BTreeMap;

use conformance_engine::observe::exposition::histogram::Histogram;
use conformance_engine::observe::exposition::{Exposition, Family, Labels};

use crate::checks::finished_request::{FinishedRequest, HttpPart, RequestEnd};

/// The counter of requests and the histogram of their durations, over HTTP or gRPC.
pub fn request_families(http: bool) -> (&'static str, &'static str) {
    if http {
        ("http_requests_total", "http_request_duration_seconds")
    } else {
        ("grpc_requests_total", "grpc_request_duration_seconds")
    }
}

/// By how much each series of a counter has grown; the error names one that fell, or is no whole number.
pub fn growth(
    before: &Exposition,
    after: &Exposition,
    family: &str,
) -> Result<BTreeMap<Labels, u64>, String> {
    let (old, new) = (before.values(family), after.values(family));
    if let Some((labels, _)) = old.iter().find(|(labels, _)| !new.contains_key(*labels)) {
        return Err(format!("{family} {labels:?} is gone"));
    }
    let grown = new.into_iter().map(|(labels, value)| {
        let by = value - old.get(&labels).copied().unwrap_or(0.0);
        match whole(by) {
            Some(by) => Ok((labels, by)),
            None => Err(format!("{family} {labels:?} has grown by {by}")),
        }
    });
    let grown: Result<BTreeMap<Labels, u64>, String> = grown.collect();
    grown.map(|it| it.into_iter().filter(|(_, by)| *by > 0).collect())
}

/// A number of events.
fn whole(value: f64) -> Option<u64> {
    let is_count = (0.0..=1e15).contains(&value) && value.fract().abs() < f64::EPSILON;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number that fits, as checked"
    )]
    is_count.then_some(value as u64)
}

/// Whether a series may have counted a request.
fn fits(labels: &Labels, request: &FinishedRequest) -> bool {
    let label = |name: &str| labels.get(name).map_or("", String::as_str);
    let http = request.http.as_ref();
    let route = |it: &HttpPart| it.route.has_label(label("path"));
    label("method") == request.method
        && request.end.has_status(label("status"), http.is_some())
        && http.is_none_or(route)
}

/// Holds the growth of a counter against the requests that were made: each counted once, and nothing else was. The error
/// says what is missing or surplus.
pub fn each_once(
    mut grown: BTreeMap<Labels, u64>,
    requests: &[FinishedRequest],
) -> Result<(), String> {
    // Those that may have any status take what the others leave.
    let (free, fixed): (Vec<_>, Vec<_>) =
        (requests.iter()).partition(|it| it.end == RequestEnd::GivenUp);
    let mut missing = Vec::new();
    for request in fixed.into_iter().chain(free) {
        let series = grown
            .iter_mut()
            .find(|(labels, count)| **count > 0 && fits(labels, request));
        match series {
            Some((_, count)) => *count -= 1,
            None => missing.push(format!("{} with {:?}", request.method, request.end)),
        }
    }
    let surplus: Vec<_> = grown.iter().filter(|(_, count)| **count > 0).collect();
    if missing.is_empty() && surplus.is_empty() {
        return Ok(());
    }
    Err(format!(
        "not counted: {missing:?}; counted in surplus: {surplus:?}"
    ))
}

/// That a counter and its histogram hold the same number of requests for each method and path. A series that a program
/// begins with 0 holds none.
pub fn agree(page: &Exposition, http: bool) -> Result<(), String> {
    let (counter, histogram) = request_families(http);
    let mut requests: BTreeMap<Labels, f64> = BTreeMap::new();
    let series = page.values(counter).into_iter();
    for (mut labels, value) in series.filter(|(_, value)| *value > 0.0) {
        labels.remove("status");
        *requests.entry(labels).or_default() += value;
    }
    let observed = page.family(histogram).map(Family::histograms);
    let observed = observed.transpose()?.unwrap_or_default();
    let observed: BTreeMap<Labels, f64> = observed
        .into_iter()
        .map(|(labels, it)| (labels, it.count))
        .filter(|(_, count)| *count > 0.0)
        .collect();
    if requests.is_empty() {
        return Err(format!("{counter} holds no request"));
    }
    if requests == observed {
        return Ok(());
    }
    Err(format!(
        "{counter} has {requests:?}, and {histogram} {observed:?}"
    ))
}

/// What a histogram observed between two pages, over all series whose labels are among these.
pub fn observed(
    before: &Exposition,
    after: &Exposition,
    family: &str,
    wanted: &Labels,
) -> Result<Histogram, String> {
    let read = |page: &Exposition| {
        page.family(family)
            .map_or(Ok(BTreeMap::new()), Family::histograms)
    };
    let (old, new) = (read(before)?, read(after)?);
    let mut sum = Histogram {
        buckets: Vec::new(),
        count: 0.0,
        sum: 0.0,
    };
    for (labels, histogram) in new {
        if wanted
            .iter()
            .any(|(name, value)| labels.get(name) != Some(value))
        {
            continue;
        }
        add(&mut sum, &histogram, 1.0);
        if let Some(old) = old.get(&labels) {
            add(&mut sum, old, -1.0);
        }
    }
    Ok(sum)
}

fn add(sum: &mut Histogram, histogram: &Histogram, sign: f64) {
    sum.count += sign * histogram.count;
    sum.sum += sign * histogram.sum;
    for (bound, value) in &histogram.buckets {
        let same = |it: &&mut (f64, f64)| it.0.total_cmp(bound).is_eq();
        match sum.buckets.iter_mut().find(same) {
            Some((_, total)) => *total += sign * value,
            None => sum.buckets.push((*bound, sign * value)),
        }
    }
}

/// That exactly one observation was made, of `least` to `most` seconds, and is in the buckets of its size alone.
pub fn is_one_between(observed: &Histogram, (least, most): (f64, f64)) -> Result<(), String> {
    let sum = observed.sum;
    if whole(observed.count) != Some(1) || !(least..=most).contains(&sum) {
        return Err(format!("{} observations, {sum} s in all", observed.count));
    }
    // The sum may be rounded.
    let beyond = |bound: f64| bound < sum * 0.999;
    let within = |bound: f64| bound > sum * 1.001;
    let wrong = observed.buckets.iter().find(|(bound, count)| {
        let count = whole(*count);
        (beyond(*bound) && count != Some(0)) || (within(*bound) && count != Some(1))
    });
    wrong.map_or(Ok(()), |(bound, count)| {
        Err(format!(
            "{count} observations up to {bound} s, of one of {sum} s"
        ))
    })
}

/// That observations of `least` seconds or more in all were made, one of them at least of that size, and none longer
/// than `most` in the mean: others may have been made meanwhile.
pub fn are_between(observed: &Histogram, (least, most): (f64, f64)) -> Result<(), String> {
    let (count, sum) = (observed.count, observed.sum);
    let below = observed.buckets.iter().filter(|it| it.0 < least);
    let quick = below.map(|it| it.1).fold(0.0, f64::max);
    if sum >= least && sum <= most * count && quick < count {
        return Ok(());
    }
    Err(format!(
        "{count} observations, {sum} s in all, {quick} of them below {least} s"
    ))
}

#[cfg(test)]
mod tests;
