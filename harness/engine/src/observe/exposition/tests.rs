//! Good and bad pages.

use super::{Exposition, Kind};

#[track_caller]
fn good(page: &str) -> Exposition {
    Exposition::parse(page.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn bad(page: &[u8], why: &str) {
    let error = Exposition::parse(page).expect_err(why);
    assert!(error.contains(why), "{error:?} lacks {why:?}");
}

#[test]
fn families_have_their_help_type_and_samples() {
    let page = good(
        "# HELP calls_total Calls \\\\ of\\nall.\n# TYPE calls_total counter\n\
         calls_total{method=\"a\\\"b\\\\c\\nd\", code = \"1\",} 3 1700000000000\n\
         # a comment\n\n  free  \t 1e3  \nbare{} +Inf\n# EOF\n",
    );
    let family = page.family("calls_total").expect("a family");
    assert_eq!(family.kind, Some(Kind::Counter));
    assert_eq!(family.help.as_deref(), Some("Calls \\ of\nall."));
    assert_eq!(family.samples[0].labels["method"], "a\"b\\c\nd");
    assert_eq!(family.label_sets(), [["code", "method"]]);
    assert_eq!(page.single("free"), Ok(1000.0));
    assert_eq!(page.single("bare"), Ok(f64::INFINITY));
    assert!(page.single("calls_total").is_err());
    assert_eq!(page.series(), 3);
    assert_eq!(good("").series(), 0);
}

#[test]
fn not_a_number_is_a_value() {
    assert!(good("x NaN\n").single("x").expect("a value").is_nan());
}

#[test]
fn what_violates_the_format_is_named_with_its_line() {
    for (page, why) in [
        ("a 1\n# TYPE a gauge\n", "line 2: TYPE after"),
        ("# TYPE a gauge\n# TYPE a gauge\n", "a second TYPE"),
        ("# HELP a x\n# HELP a y\n", "a second HELP"),
        ("# TYPE a unknown\n", "unknown type"),
        ("# TYPE a\n", "unknown type"),
        ("# TYPE 1a gauge\n", "no name of a metric"),
        ("a 1", "line feed"),
        ("a\n", "no value"),
        ("a 1\r\n# x\n\ra 1\n", "no name"),
        ("a one\n", "no number"),
        ("a 1 2.5\n", "no time"),
        ("a 1 2 3\n", "more than a value"),
        ("a 1 # {trace_id=\"x\"} 1\n", "no time"),
        ("a{b=\"1\"} 1\na{b=\"1\"} 2\n", "occurs twice"),
        (
            "a{b=\"1\",c=\"2\"} 1\na{c=\"2\",b=\"1\"} 2\n",
            "occurs twice",
        ),
        ("a{b=\"1\",b=\"2\"} 1\n", "two labels"),
        ("a 1\nb 1\na{x=\"y\"} 1\n", "not one group"),
        ("a{b=\"\\x\"} 1\n", "unknown escape"),
        ("a{b=\"1} 1\n", "closing quote"),
        ("a{b=1} 1\n", "without quotes"),
        ("a{b=\"1\" c=\"2\"} 1\n", "comma"),
        ("a{b:c=\"1\"} 1\n", "no name of a label"),
        ("a{b=\"1\"\n", "comma"),
        ("a{b\n", "without an end"),
        ("{\"a\"} 1\n", "without an end"),
        ("# HELP a \\\"x\n", "unknown escape"),
    ] {
        bad(page.as_bytes(), why);
    }
    bad(b"a{b=\"\xff\"} 1\n", "no UTF-8");
}

#[test]
fn an_error_shows_little_of_a_long_line() {
    let page = format!("{}\n", "x".repeat(1 << 20));
    let error = Exposition::parse(page.as_bytes()).expect_err("no value");
    assert!(error.len() < 300, "{} bytes", error.len());
}

fn histogram(samples: &str) -> Result<Vec<(f64, f64)>, String> {
    let page = good(&format!("# TYPE t histogram\n{samples}"));
    let histograms = page.family("t").expect("a family").histograms()?;
    let [histogram] = &histograms.into_values().collect::<Vec<_>>()[..] else {
        return Err("not one histogram".to_owned());
    };
    Ok(histogram.buckets.clone())
}

#[test]
fn bounds_of_buckets_are_numbers() {
    let buckets = histogram(
        "t_bucket{le=\"+Inf\"} 3\nt_bucket{le=\"1.0\"} 2\nt_bucket{le=\"5e-3\"} 1\nt_sum 4.5\nt_count 3\n",
    );
    let expected = vec![(0.005, 1.0), (1.0, 2.0), (f64::INFINITY, 3.0)];
    assert_eq!(buckets, Ok(expected));
}

#[test]
fn a_histogram_that_contradicts_itself_is_refused() {
    let inf = "t_bucket{le=\"+Inf\"}";
    for (samples, why) in [
        (format!("{inf} 3\nt_sum 1\n"), "no _count"),
        (format!("{inf} 3\nt_count 3\n"), "no _sum"),
        (format!("{inf} 3\nt_sum 1\nt_count 2\n"), "_count is 2"),
        (
            "t_bucket{le=\"1\"} 3\nt_sum 1\nt_count 3\n".to_owned(),
            "up to 1",
        ),
        ("t_sum 1\nt_count 3\n".to_owned(), "no bucket"),
        ("t 1\n".to_owned(), "in a histogram"),
        ("t_bucket 1\n".to_owned(), "in a histogram"),
        (
            format!("t_bucket{{le=\"x\"}} 1\n{inf} 1\nt_sum 1\nt_count 1\n"),
            "le=\"x\"",
        ),
        (
            format!(
                "t_bucket{{le=\"1\"}} 1\nt_bucket{{le=\"1.0\"}} 1\n{inf} 1\nt_sum 1\nt_count 1\n"
            ),
            "two buckets",
        ),
        (
            format!("t_bucket{{le=\"1\"}} 2\n{inf} 1\nt_sum 1\nt_count 1\n"),
            "fewer up to",
        ),
        (format!("{inf} NaN\nt_sum 1\nt_count 1\n"), "_count is 1"),
    ] {
        let error = histogram(&samples).expect_err(why);
        assert!(error.contains(why), "{error:?} lacks {why:?}");
    }
}
