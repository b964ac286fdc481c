//! Exported spans as [`Span`]s.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Wire;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1 as wire;

use crate::observe::spans::{Attributes, Kind, Span, SpanId, Status, TraceId, Value};

/// The spans of a request. A span whose ids are not valid belongs to no trace and is left out.
pub fn spans(request: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for program in request.resource_spans {
        let resource = program.resource.map(|it| attributes(it.attributes));
        let resource = Arc::new(resource.unwrap_or_default());
        for scope in program.scope_spans {
            let decoded = scope.spans.into_iter();
            spans.extend(decoded.filter_map(|it| span(it, resource.clone())));
        }
    }
    spans
}

fn span(span: wire::Span, resource: Arc<Attributes>) -> Option<Span> {
    let failed = |status: wire::Status| match status.code() {
        wire::status::StatusCode::Unset => Status::Unset,
        wire::status::StatusCode::Ok => Status::Ok,
        wire::status::StatusCode::Error => Status::Error,
    };
    Some(Span {
        trace: TraceId::from_bytes(&span.trace_id)?,
        id: SpanId::from_bytes(&span.span_id)?,
        parent: SpanId::from_bytes(&span.parent_span_id),
        kind: kind(span.kind()),
        name: span.name,
        status: span.status.map_or(Status::Unset, failed),
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        attributes: attributes(span.attributes),
        resource,
    })
}

fn kind(kind: wire::span::SpanKind) -> Kind {
    match kind {
        wire::span::SpanKind::Server => Kind::Server,
        wire::span::SpanKind::Client => Kind::Client,
        wire::span::SpanKind::Producer => Kind::Producer,
        wire::span::SpanKind::Consumer => Kind::Consumer,
        wire::span::SpanKind::Internal | wire::span::SpanKind::Unspecified => Kind::Internal,
    }
}

fn attributes(pairs: Vec<KeyValue>) -> Attributes {
    let pairs = pairs.into_iter();
    pairs.map(|pair| (pair.key, value(pair.value))).collect()
}

fn value(value: Option<AnyValue>) -> Value {
    match value.and_then(|it| it.value) {
        Some(Wire::StringValue(text)) => Value::Text(text),
        Some(Wire::IntValue(number)) => Value::Integer(number),
        Some(other) => Value::Other(format!("{other:?}")),
        None => Value::Other("no value".to_owned()),
    }
}
