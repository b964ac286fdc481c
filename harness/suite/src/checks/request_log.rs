//! Whether the line of a request has the fields that LOG-3 demands.

use std::time::Duration;

use super::finished_request::{FinishedRequest, HttpPart, recorded_end};
use super::gateway_answer::is_request_id;
use super::log_line::Event;

/// A record may be this much shorter than what kept its request: the clocks are read one after the other.
const EARLY_TOLERANCE: f64 = 50.0;

/// Whether an event is the line of some request, over HTTP or gRPC: other events about a request lack some of these.
pub fn is_request_line(event: &Event, http: bool) -> bool {
    let fields = ["method", "status", "duration_ms"];
    let has = |name: &str| event.fields.contains_key(name);
    fields.into_iter().all(has) && (!http || has("path")) && has("request_id")
}

/// What is wrong with the line of a request; `late` is how much later than its client the program may see it end.
pub fn faults(request: &FinishedRequest, event: &Event, late: Duration) -> Vec<String> {
    let http = request.http.is_some();
    let status = event.field("status");
    let mut faults = Vec::new();
    if event.field("method") != request.method {
        faults.push(format!("its method is not {:?}", request.method));
    }
    if !request.end.has_status(status, http) {
        faults.push(format!(
            "its status {status:?} is not that of {:?}",
            request.end
        ));
    } else if let Ok(recorded) = recorded_end(status, http) {
        if !recorded.levels().contains(&event.field("level")) {
            let levels = recorded.levels().join(" or ");
            faults.push(format!("its level is not {levels}, for {status}"));
        }
        if recorded.has_failed() && event.field("error").is_empty() {
            faults.push(format!("it has no error, for {status}"));
        }
    }
    faults.extend(duration_fault(request, event.field("duration_ms"), late));
    faults.extend(request.http.as_ref().and_then(|it| path_fault(it, event)));
    faults.extend(id_fault(request, event.field("request_id")));
    faults
}

fn duration_fault(request: &FinishedRequest, text: &str, late: Duration) -> Option<String> {
    let Ok(duration) = text.parse::<f64>() else {
        return Some(format!("its duration_ms {text:?} is no number"));
    };
    let least = request.held.as_secs_f64() * 1000.0 - EARLY_TOLERANCE;
    let most = (request.took + late).as_secs_f64() * 1000.0;
    let right = duration >= 0.0 && duration >= least && duration <= most;
    (!right).then(|| {
        format!(
            "its duration_ms {text} is not between {} and {} ms",
            request.held.as_millis(),
            request.took.as_millis()
        )
    })
}

fn path_fault(sent: &HttpPart, event: &Event) -> Option<String> {
    let path = event.field("path");
    let decoded = percent_encoding::percent_decode_str(&sent.path).decode_utf8_lossy();
    let right = path == sent.path || path == decoded;
    (!right).then(|| format!("its path {path:?} is not {:?}", sent.path))
}

fn id_fault(request: &FinishedRequest, id: &str) -> Option<String> {
    let right = match &request.id {
        Some(sent) => sent == id,
        None => is_request_id(id),
    };
    (!right).then(|| format!("its request_id {id:?} is not that of the request"))
}

/// Whether a text is a trace id: 32 hexadecimal digits, not all zero.
pub fn is_trace_id(text: &str) -> bool {
    text.len() == 32
        && text.bytes().all(|it| it.is_ascii_hexdigit())
        && text.bytes().any(|it| it != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::finished_request::{RequestEnd, Route};
    use crate::checks::log_line::{Format, parse};
    use tonic::Code;

    fn request(end: RequestEnd) -> FinishedRequest {
        let http = matches!(end, RequestEnd::Http(_)).then(|| HttpPart {
            path: "/api/v1/users/a%20b".to_owned(),
            route: Route::Template("/api/v1/users/{id}"),
        });
        FinishedRequest {
            id: Some("id".to_owned()),
            method: "M".to_owned(),
            http,
            end,
            took: Duration::from_millis(400),
            held: Duration::from_millis(300),
        }
    }

    fn event(level: &str, fields: &str) -> Event {
        let line = format!("time=2024-05-01T10:00:00Z level={level} msg=m request_id=id {fields}");
        parse(line.as_bytes(), Format::Text).expect("an event")
    }

    #[track_caller]
    fn check(end: RequestEnd, level: &str, fields: &str, wrong: usize) {
        let event = event(level, &format!("method=M duration_ms=350.5 {fields}"));
        let faults = faults(&request(end), &event, Duration::from_secs(1));
        assert_eq!(faults.len(), wrong, "{faults:?}");
    }

    #[test]
    fn the_line_of_a_request_has_its_fields() {
        let ok = RequestEnd::Http(200);
        check(ok, "INFO", "status=200 path=/api/v1/users/a%20b", 0);
        check(ok, "INFO", "status=200 path=\"/api/v1/users/a b\"", 0);
        check(ok, "WARN", "status=200 path=/api/v1/users/a%20b", 1);
        check(ok, "INFO", "status=201 path=/api/v1/users/a%20b?x=y", 2);
        check(ok, "INFO", "status=200", 1);
        let failed = RequestEnd::Grpc(Code::Internal);
        check(failed, "ERROR", "status=Internal error=why", 0);
        check(failed, "ERROR", "status=Internal", 1);
        check(failed, "WARN", "status=Internal error=\"\"", 2);
        check(RequestEnd::GivenUp, "INFO", "status=OK", 0);
        check(
            RequestEnd::GivenUp,
            "INFO",
            "status=DeadlineExceeded error=x",
            1,
        );
        check(RequestEnd::GivenUp, "INFO", "status=gone", 1);
    }

    #[test]
    fn a_duration_is_in_milliseconds() {
        for (duration, wrong) in [
            ("350", 0),
            ("0.35", 1),
            ("350000", 1),
            ("-1", 1),
            ("NaN", 1),
            ("350ms", 1),
        ] {
            let fields = format!("method=M status=OK duration_ms={duration}");
            let request = request(RequestEnd::Grpc(Code::Ok));
            let faults = faults(&request, &event("INFO", &fields), Duration::from_secs(1));
            assert_eq!(faults.len(), wrong, "{duration}: {faults:?}");
        }
    }

    #[test]
    fn a_line_of_another_request_is_not_taken() {
        let mut request = request(RequestEnd::Grpc(Code::Ok));
        let event = event("INFO", "method=M status=OK duration_ms=350");
        assert!(is_request_line(&event, false) && !is_request_line(&event, true));
        request.id = Some("other".to_owned());
        assert_eq!(faults(&request, &event, Duration::ZERO).len(), 1);
        request.id = None;
        assert!(faults(&request, &event, Duration::ZERO).is_empty());
    }

    #[test]
    fn a_trace_id_has_32_digits() {
        assert!(is_trace_id("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert!(!is_trace_id("4bf92f3577b34da6a3ce929d0e0e473"));
        assert!(!is_trace_id(&"0".repeat(32)) && !is_trace_id(&"g".repeat(32)));
    }
}
