//! Requests over HTTP.

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use metrics::{Label, gauge};

use super::{Description, End, Line, LoggedError, Protocol, RequestStatus, SpanStart};
use crate::metrics::{Family, GaugeGuard, Kind, REQUEST_BUCKETS};
use crate::traces::KeyValue;

const REQUESTS: &str = "http_requests_total";
const DURATIONS: &str = "http_request_duration_seconds";
const IN_FLIGHT: &str = "http_requests_in_flight";

/// The families of HTTP requests (MET-2).
pub const HTTP_FAMILIES: &[Family] = &[
    Family {
        name: REQUESTS,
        help: "HTTP requests that have ended.",
        kind: Kind::Counter,
        labels: &["method", "path", "status"],
    },
    Family {
        name: DURATIONS,
        help: "Time from an HTTP request's arrival to the end of its response.",
        kind: Kind::Histogram(REQUEST_BUCKETS),
        labels: &["method", "path"],
    },
    Family {
        name: IN_FLIGHT,
        help: "HTTP requests that have not ended yet.",
        kind: Kind::Gauge,
        labels: &[],
    },
];

/// The path of all requests without a route (MET-3).
const NO_ROUTE: &str = "unknown";

/// The method of all requests with an unknown one (MET-3): its name in OpenTelemetry.
const OTHER_METHOD: &str = "_OTHER";

/// HTTP on `PORT`.
#[derive(Clone, Copy)]
pub struct Http {
    /// Whether requests for a path are those of an API, which are logged, and not probes.
    pub is_api: fn(path: &str) -> bool,
}

impl Protocol for Http {
    const COUNTER: &'static str = REQUESTS;
    const HISTOGRAM: &'static str = DURATIONS;
    const MESSAGE: &'static str = "request";

    fn describe(&self, request: &Request) -> Option<Description> {
        let method = method_name(request.method());
        let route = request.extensions().get::<MatchedPath>();
        let route = route.map(MatchedPath::as_str);
        let path = request.uri().path();
        let is_api = (self.is_api)(path);
        let label = route.unwrap_or(NO_ROUTE).to_owned();
        Some(Description {
            labels: vec![Label::new("method", method), Label::new("path", label)],
            line: is_api.then(|| Line {
                method: method.to_owned(),
                path: Some(path.to_owned()),
            }),
            span: is_api.then(|| span_start(method, route, path)),
            in_flight: Some(GaugeGuard::raise(gauge!(IN_FLIGHT))),
        })
    }

    fn end_in_head(response: &Response) -> Option<End> {
        let status = response.status();
        let is_error = status.is_client_error() || status.is_server_error();
        let error = response.extensions().get::<LoggedError>().cloned();
        let reason = || LoggedError::new(status.canonical_reason().unwrap_or("error"));
        Some(End {
            status: RequestStatus::Http(status),
            error: is_error.then(|| error.unwrap_or_else(reason)),
        })
    }

    fn end_in_trailers(_: &HeaderMap) -> Option<End> {
        None
    }

    fn cancelled() -> End {
        End {
            status: RequestStatus::Http(client_closed_request()),
            error: Some(LoggedError::new("cancelled by the client")),
        }
    }
}

/// TRC-4
fn span_start(method: &'static str, route: Option<&str>, path: &str) -> SpanStart {
    let mut attributes = vec![
        KeyValue::new("http.request.method", method),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("url.path", path.to_owned()),
    ];
    // OpenTelemetry's name for unknown methods is no part of a span's name.
    let verb = if method == OTHER_METHOD {
        "HTTP"
    } else {
        method
    };
    let Some(route) = route else {
        let name = verb.into();
        return SpanStart { name, attributes };
    };
    attributes.push(KeyValue::new("http.route", route.to_owned()));
    let name = format!("{verb} {route}").into();
    SpanStart { name, attributes }
}

/// nginx's status for a client that closed its connection; the crate `http` has no name for it.
pub fn client_closed_request() -> StatusCode {
    StatusCode::from_u16(499).expect("between 100 and 999")
}

fn method_name(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
    ];
    let known = KNOWN.into_iter().find(|known| method.as_str() == *known);
    known.unwrap_or(OTHER_METHOD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_methods_share_a_name() {
        let name = |text: &str| method_name(&text.parse().expect("a method"));
        assert_eq!(name("DELETE"), "DELETE");
        assert_eq!(name("BREW"), "_OTHER");
        assert_eq!(name("get"), "_OTHER");
    }
}
