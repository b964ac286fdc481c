//! Requests of a router that is not served, and what is counted of them.

use std::convert::Infallible;
use std::future::pending;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::routing::get;
use futures::FutureExt as _;
use futures::stream;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use metrics::set_default_local_recorder;
use metrics_exporter_prometheus::PrometheusBuilder;
use tower::ServiceExt as _;

use super::*;

const HTTP: Http = Http { is_api: |_| true };

const GRPC: Grpc = Grpc {
    methods: &["/s/Stream"],
    probes: &[],
};

/// What the counter of `router` says after `send`.
#[track_caller]
fn check(router: Router, send: impl FnOnce(Router), expected: &str) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let page = recorder.handle();
    {
        let _guard = set_default_local_recorder(&recorder);
        send(router);
    }
    let page = page.render();
    let counters: Vec<_> = page
        .lines()
        .filter(|line| line.contains("requests_total{"))
        .collect();
    assert_eq!(counters, [expected], "{page}");
}

fn request(path: &str) -> Request {
    Request::get(path).body(Body::empty()).expect("a request")
}

/// The response of a router that does not wait for anything.
fn respond(router: Router, path: &str) -> Response {
    let Ok(response) = router
        .oneshot(request(path))
        .now_or_never()
        .expect("at once");
    response
}

/// A stream with a message, then these trailers.
fn stream_with(trailers: HeaderMap) -> Response {
    let frames = [
        Frame::data(Bytes::from_static(b"one")),
        Frame::trailers(trailers),
    ];
    Response::new(Body::new(StreamBody::new(stream::iter(
        frames.map(Ok::<_, Infallible>),
    ))))
}

fn grpc_status(code: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(
        HeaderName::from_static("grpc-status"),
        HeaderValue::from_static(code),
    )])
}

fn read(response: Response) {
    let body = response.into_body().collect().now_or_never();
    body.expect("at once").expect("a body without a fault");
}

#[test]
fn a_request_is_counted_with_the_template_of_its_route() {
    let router = Router::new().route("/users/{id}", get(StatusCode::NOT_FOUND));
    check(
        recorded(router, HTTP),
        |router| read(respond(router, "/users/7")),
        r#"http_requests_total{method="GET",path="/users/{id}",status="404"} 1"#,
    );
}

#[test]
fn requests_without_a_route_share_a_path() {
    check(
        recorded(Router::new(), HTTP),
        |router| {
            read(respond(router.clone(), "/a"));
            read(respond(router, "/b"));
        },
        r#"http_requests_total{method="GET",path="unknown",status="404"} 2"#,
    );
}

#[test]
fn a_request_that_its_client_gives_up_is_counted() {
    let router = Router::new().route("/slow", get(pending::<StatusCode>));
    check(
        recorded(router, HTTP),
        |router| assert!(router.oneshot(request("/slow")).now_or_never().is_none()),
        r#"http_requests_total{method="GET",path="/slow",status="499"} 1"#,
    );
}

#[test]
fn a_stream_ends_with_its_trailers() {
    let router = Router::new().fallback(async || stream_with(grpc_status("8")));
    check(
        recorded(router, GRPC),
        |router| read(respond(router, "/s/Stream")),
        r#"grpc_requests_total{method="/s/Stream",status="ResourceExhausted"} 1"#,
    );
}

#[test]
fn a_stream_that_its_client_gives_up_is_cancelled() {
    let router = Router::new().fallback(async || stream_with(grpc_status("0")));
    check(
        recorded(router, GRPC),
        |router| drop(respond(router, "/s/Stream")),
        r#"grpc_requests_total{method="/s/Stream",status="Cancelled"} 1"#,
    );
}
