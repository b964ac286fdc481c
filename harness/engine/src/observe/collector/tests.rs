//! The collector over its wire, as an exporter uses it.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Wire;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
use tonic::Code;
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;

use super::{Answer, Collector, Forward};
use crate::observe::spans::{Kind, TraceId, Value};
use crate::sandbox::ports::Ports;
use crate::sandbox::watchdog::Watchdog;

async fn collector(answer: Answer) -> Collector {
    let ports = Ports::open(&Watchdog::without_process()).expect("ports");
    Collector::start(&ports, answer).await.expect("a collector")
}

async fn exporter(collector: &Collector) -> TraceServiceClient<Channel> {
    let url = format!("http://{}", collector.address());
    TraceServiceClient::connect(url).await.expect("to connect")
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Wire::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

/// An export of one span with this id of its trace.
fn request(trace_id: Vec<u8>) -> ExportTraceServiceRequest {
    let exported = Span {
        trace_id,
        span_id: vec![7; 8],
        name: "GET /".to_owned(),
        kind: span::SpanKind::Server as i32,
        status: Some(Status {
            code: 2,
            message: String::new(),
        }),
        attributes: vec![text("http.route", "/")],
        ..Span::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![text("service.name", "tiny")],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: vec![exported],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

fn trace() -> TraceId {
    TraceId::from_bytes(&[1; 16]).expect("not zero")
}

async fn export(collector: &Collector) -> Result<ExportTraceServiceResponse, tonic::Status> {
    let mut exporter = exporter(collector).await;
    let answer = exporter.export(request(vec![1; 16])).await;
    answer.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn an_exported_span_is_found_by_its_trace() {
    let collector = collector(Answer::Accept).await;
    let subscription = collector.subscribe();
    subscription.follow_trace(trace());
    export(&collector).await.expect("to be accepted");
    let found = subscription.trace(trace());
    let spans: Vec<_> = found.spans().collect();
    let [span] = spans.as_slice() else {
        panic!("{spans:?}");
    };
    assert_eq!((span.kind, span.service()), (Kind::Server, "tiny"));
    assert_eq!(
        span.attribute(&["http.route"]),
        Some(&Value::Text("/".to_owned()))
    );
    assert_eq!(span.status, crate::observe::spans::Status::Error);
    assert_eq!(span.parent, None);
}

#[tokio::test]
async fn an_export_may_be_compressed() {
    let collector = collector(Answer::Accept).await;
    let subscription = collector.subscribe();
    subscription.follow_service("tiny");
    let exporter = exporter(&collector).await;
    let mut exporter = exporter.send_compressed(CompressionEncoding::Gzip);
    let answer = exporter.export(request(vec![1; 16])).await;
    answer.expect("to be accepted");
    assert_eq!(subscription.traces(), [trace()]);
}

#[tokio::test]
async fn a_span_without_valid_ids_is_left_out() {
    let collector = collector(Answer::Accept).await;
    let subscription = collector.subscribe();
    subscription.follow_service("tiny");
    let mut exporter = exporter(&collector).await;
    for id in [vec![], vec![0; 16], vec![1; 8]] {
        exporter.export(request(id)).await.expect("to be accepted");
    }
    assert!(subscription.traces().is_empty());
}

#[tokio::test]
async fn a_collector_refuses_as_it_is_set() {
    let answer = export(&collector(Answer::Unavailable).await).await;
    assert_eq!(answer.expect_err("refused").code(), Code::Unavailable);
    let answer = export(&collector(Answer::RejectSpans).await).await;
    let partial = answer.expect("an answer").partial_success;
    assert_eq!(partial.map(|it| it.rejected_spans), Some(1));
    let silent = collector(Answer::Never).await;
    let answer = tokio::time::timeout(Duration::from_millis(50), export(&silent)).await;
    assert!(answer.is_err(), "{answer:?}");
}

#[tokio::test]
async fn spans_are_forwarded_before_they_are_accepted() {
    let second = collector(Answer::After(Duration::from_millis(5))).await;
    let forwarded = second.subscribe();
    forwarded.follow_trace(trace());
    let forward = Forward::to(second.address()).expect("an address");
    let first = collector(Answer::Forward(forward)).await;
    let kept = first.subscribe();
    kept.follow_trace(trace());
    export(&first).await.expect("to be accepted");
    assert_eq!(forwarded.trace(trace()).spans().count(), 1);
    assert_eq!(kept.trace(trace()).spans().count(), 1);
}
