//! Names, types, labels and buckets of families (MET-2, MET-4).

use std::collections::BTreeSet;

use conformance_engine::observe::exposition::{Exposition, Family, Kind};

/// The families of MET-2: the others of a page are free.
pub const CONTRACT: [&str; 9] = [
    "http_requests_total",
    "http_request_duration_seconds",
    "http_requests_in_flight",
    "grpc_requests_total",
    "grpc_request_duration_seconds",
    "users_created_total",
    "active_users",
    "db_connections_open",
    "db_query_duration_seconds",
];

/// A family as MET-2 describes it.
#[derive(Clone, Debug)]
pub struct ExpectedFamily {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// The names of its labels, without `le`, in alphabetical order.
    pub labels: Vec<String>,
}

/// What is wrong with a family: it is missing, or has another type or other labels, or lacks HELP.
pub fn faults(page: &Exposition, expected: &ExpectedFamily) -> Vec<String> {
    let name = &expected.name;
    let Some(family) = page.family(name).filter(|it| !it.samples.is_empty()) else {
        return vec![format!("{name} has no series")];
    };
    let mut faults = Vec::new();
    if family.kind != Some(expected.kind) {
        let found = family.kind.map_or("no TYPE", Kind::word);
        faults.push(format!("{name} has {found}, not {}", expected.kind.word()));
    }
    if family.help.is_none() {
        faults.push(format!("{name} has no HELP"));
    }
    for labels in family.label_sets() {
        if labels != expected.labels {
            faults.push(format!(
                "{name} has the labels {labels:?}, not {:?}",
                expected.labels
            ));
        }
    }
    faults.extend(value_fault(family).map(|it| format!("{name}: {it}")));
    faults
}

/// A value that no family of the contract can have: they count, and measure time that has passed.
fn value_fault(family: &Family) -> Option<String> {
    if family.kind == Some(Kind::Histogram)
        && let Err(error) = family.histograms()
    {
        return Some(error);
    }
    let wrong = |value: f64| !value.is_finite() || value < 0.0;
    let sample = family.samples.iter().find(|it| wrong(it.value))?;
    Some(format!(
        "{} {:?} is {}",
        sample.name, sample.labels, sample.value
    ))
}

/// What is wrong with the buckets of every histogram of a family (MET-4).
pub fn bucket_faults(page: &Exposition, name: &str, bounds: &[f64]) -> Vec<String> {
    let histograms = page.family(name).map(Family::histograms);
    let histograms = match histograms {
        Some(Ok(histograms)) if !histograms.is_empty() => histograms,
        Some(Err(error)) => return vec![format!("{name}: {error}")],
        _ => return vec![format!("{name} has no series")],
    };
    let expected: Vec<f64> = bounds.iter().copied().chain([f64::INFINITY]).collect();
    let wrong = histograms.into_iter().filter_map(|(labels, histogram)| {
        let found: Vec<f64> = histogram.buckets.iter().map(|it| it.0).collect();
        (found != expected).then(|| format!("{name} {labels:?} has the buckets {found:?}"))
    });
    wrong.collect()
}

/// The number of series of the contract's families that count requests.
pub fn request_series(page: &Exposition) -> usize {
    let counts_requests = |name: &&&str| name.starts_with("http_") || name.starts_with("grpc_");
    let families = CONTRACT.iter().filter(counts_requests);
    let families = families.filter_map(|name| page.family(name));
    families.map(|it| it.samples.len()).sum()
}

/// The number of different queries that `db_query_duration_seconds` has.
pub fn queries(page: &Exposition) -> usize {
    let samples = page
        .family("db_query_duration_seconds")
        .map_or(&[][..], |it| &it.samples);
    let queries = samples.iter().filter_map(|it| it.labels.get("query"));
    queries.collect::<BTreeSet<_>>().len()
}

/// A page with the contract's families alone, for tools that judge all of a page.
pub fn contract_lines(page: &str) -> String {
    let is_of_contract = |line: &&str| {
        let name = line
            .trim_start_matches("# HELP ")
            .trim_start_matches("# TYPE ");
        let end = name.find(['{', ' ', '\t']).unwrap_or(name.len());
        let name = &name[..end];
        let suffixes = ["", "_bucket", "_sum", "_count"];
        CONTRACT.iter().any(|family| {
            let suffix = name.strip_prefix(family);
            suffix.is_some_and(|it| suffixes.contains(&it))
        })
    };
    let lines = page.split_inclusive('\n').filter(is_of_contract);
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Exposition {
        Exposition::parse(text.as_bytes()).expect("a page")
    }

    #[track_caller]
    fn check(text: &str, wrong: usize) {
        let expected = ExpectedFamily {
            name: "a".to_owned(),
            kind: Kind::Gauge,
            labels: vec!["x".to_owned()],
        };
        let faults = faults(&page(text), &expected);
        assert_eq!(faults.len(), wrong, "{faults:?}");
    }

    #[test]
    fn a_family_has_its_type_its_labels_and_a_help() {
        check("# HELP a h\n# TYPE a gauge\na{x=\"1\"} 1\n", 0);
        check("# HELP a \n# TYPE a gauge\na{x=\"1\"} 1\n", 1);
        check("# HELP a h\n# TYPE a counter\na{x=\"1\"} 1\n", 1);
        check("# HELP a h\na{x=\"1\"} 1\n", 1);
        check(
            "# HELP a h\n# TYPE a gauge\na{x=\"1\",y=\"1\"} 1\na{z=\"\"} 1\n",
            2,
        );
        check("# HELP a h\n# TYPE a gauge\na{x=\"1\"} NaN\n", 1);
        check("# HELP a h\n# TYPE a gauge\na{x=\"1\"} -1\n", 1);
        check("# HELP a h\n# TYPE a gauge\n", 1);
        check("b 1\n", 1);
    }

    #[test]
    fn buckets_are_those_of_the_contract() {
        let text = |bounds: [&str; 2]| {
            let [one, two] = bounds;
            page(&format!(
                "# TYPE t histogram\nt_bucket{{le=\"{one}\"}} 1\nt_bucket{{le=\"{two}\"}} 1\nt_bucket{{le=\"+Inf\"}} 1\nt_sum 1\nt_count 1\n"
            ))
        };
        assert!(bucket_faults(&text(["0.5", "1.0"]), "t", &[0.5, 1.0]).is_empty());
        assert_eq!(
            bucket_faults(&text(["0.5", "2"]), "t", &[0.5, 1.0]).len(),
            1
        );
        assert_eq!(bucket_faults(&text(["0.5", "1"]), "t", &[0.5]).len(), 1);
        assert_eq!(bucket_faults(&text(["0.5", "1"]), "u", &[0.5]).len(), 1);
    }

    #[test]
    fn the_lines_of_other_families_are_left_out() {
        let ours = "# HELP active_users h\n# TYPE active_users gauge\nactive_users 1\n";
        let other = "# TYPE active_users_of_old gauge\nactive_users_of_old 1\n# other\n";
        assert_eq!(contract_lines(&format!("{other}{ours}{other}")), ours);
        let bucket = "http_request_duration_seconds_bucket{le=\"1\"} 1\n";
        assert_eq!(contract_lines(bucket), bucket);
    }
}
