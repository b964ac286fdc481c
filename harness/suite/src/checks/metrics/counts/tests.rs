//! Good and bad counts.

use std::time::Duration;

use tonic::Code;

use super::*;
use crate::checks::finished_request::Route;

fn page(text: &str) -> Exposition {
    Exposition::parse(text.as_bytes()).expect("a page")
}

fn get(path: &str, end: RequestEnd) -> FinishedRequest {
    FinishedRequest {
        id: None,
        method: "GET".to_owned(),
        http: Some(HttpPart {
            path: path.to_owned(),
            route: Route::of("GET", path, true),
        }),
        end,
        took: Duration::ZERO,
        held: Duration::ZERO,
    }
}

fn series(path: &str, status: u16, value: u64) -> String {
    format!("http_requests_total{{method=\"GET\",path=\"{path}\",status=\"{status}\"}} {value}\n")
}

#[track_caller]
fn check(grown: &[(&str, u16, u64)], requests: &[FinishedRequest], right: bool) {
    let before = page(&series("/live", 200, 7));
    let lines = grown
        .iter()
        .map(|(path, status, count)| series(path, *status, *count));
    let after = page(&(series("/live", 200, 7) + &lines.collect::<String>()));
    let grown = growth(&before, &after, "http_requests_total").expect("growth");
    let checked = each_once(grown, requests);
    assert_eq!(checked.is_ok(), right, "{checked:?}");
}

#[test]
fn each_request_is_counted_once_in_its_series() {
    let id = "/api/v1/users/{id}";
    let ok = || get("/api/v1/users/x", RequestEnd::Http(200));
    let given_up = || get("/api/v1/users/y", RequestEnd::GivenUp);
    check(&[(id, 200, 2)], &[ok(), ok()], true);
    check(&[(id, 200, 1)], &[ok(), ok()], false);
    check(&[(id, 200, 3)], &[ok(), ok()], false);
    check(&[("/api/v1/users/x", 200, 1)], &[ok()], false);
    check(&[(id, 200, 1), (id, 499, 1)], &[given_up(), ok()], true);
    check(&[(id, 200, 2)], &[given_up(), ok()], true);
    check(&[(id, 200, 1)], &[given_up(), ok()], false);
    check(
        &[("other", 404, 1)],
        &[get("/x", RequestEnd::Http(404))],
        true,
    );
    check(&[(id, 404, 1)], &[get("/x", RequestEnd::Http(404))], false);
    check(&[], &[ok()], false);
}

#[test]
fn a_call_is_counted_by_the_name_of_its_code() {
    let call = FinishedRequest {
        method: "/s/M".to_owned(),
        http: None,
        ..get("/", RequestEnd::Grpc(Code::NotFound))
    };
    for (status, right) in [("NotFound", true), ("NOT_FOUND", false), ("OK", false)] {
        let text = format!("grpc_requests_total{{method=\"/s/M\",status=\"{status}\"}} 1\n");
        let grown = growth(&page(""), &page(&text), "grpc_requests_total").expect("growth");
        assert_eq!(each_once(grown, std::slice::from_ref(&call)).is_ok(), right);
    }
}

#[test]
fn a_counter_only_grows_by_whole_numbers() {
    let one = page("a{x=\"1\"} 2\n");
    for bad in [
        "a{x=\"1\"} 1\n",
        "a{x=\"1\"} 2.5\n",
        "a{x=\"1\"} NaN\n",
        "b 1\n",
    ] {
        assert!(growth(&one, &page(bad), "a").is_err(), "{bad}");
    }
    assert_eq!(growth(&one, &one, "a"), Ok(BTreeMap::new()));
}

fn timed(count: u64, counted: &str) -> Exposition {
    page(&format!(
        "{counted}# TYPE http_request_duration_seconds histogram\n\
         http_request_duration_seconds_bucket{{method=\"GET\",path=\"/live\",le=\"0.5\"}} 0\n\
         http_request_duration_seconds_bucket{{method=\"GET\",path=\"/live\",le=\"1\"}} {count}\n\
         http_request_duration_seconds_bucket{{method=\"GET\",path=\"/live\",le=\"+Inf\"}} {count}\n\
         http_request_duration_seconds_sum{{method=\"GET\",path=\"/live\"}} 0.7\n\
         http_request_duration_seconds_count{{method=\"GET\",path=\"/live\"}} {count}\n"
    ))
}

#[test]
fn counter_and_histogram_hold_the_same_requests() {
    let counted = series("/live", 200, 2) + &series("/live", 503, 1);
    assert_eq!(agree(&timed(3, &counted), true), Ok(()));
    let prepared = counted.clone() + &series("/ready", 200, 0);
    assert_eq!(agree(&timed(3, &prepared), true), Ok(()));
    assert!(agree(&timed(0, &series("/live", 200, 0)), true).is_err());
    assert!(agree(&timed(2, &counted), true).is_err());
    assert!(agree(&page(&counted), true).is_err());
    assert!(agree(&timed(3, ""), true).is_err());
}

#[test]
fn an_observation_is_in_the_buckets_of_its_size() {
    let family = "http_request_duration_seconds";
    let found = observed(&page(""), &timed(1, ""), family, &Labels::new()).expect("a histogram");
    assert_eq!(is_one_between(&found, (0.6, 0.8)), Ok(()));
    assert!(is_one_between(&found, (0.8, 0.9)).is_err());
    assert_eq!(are_between(&found, (0.6, 0.8)), Ok(()));
    assert!(are_between(&found, (0.1, 0.6)).is_err() && are_between(&found, (0.8, 2.0)).is_err());
    let mut wrong = found.clone();
    wrong.buckets[0].1 = 1.0;
    assert!(is_one_between(&wrong, (0.6, 0.8)).is_err());
    let none = observed(&timed(1, ""), &timed(1, ""), family, &Labels::new()).expect("none");
    assert!(is_one_between(&none, (0.0, 1.0)).is_err());
}
