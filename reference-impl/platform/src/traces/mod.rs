//! Traces: spans, how they are exported over OTLP (TRC-1), and the headers that carry a trace from program to program
//! (TRC-3).
//!
//! - `settings`: where spans go, and which
//! - `exporter`: from the start to the last span
//! - `span`: a span that ends with what it stands for
//! - `headers`: W3C `traceparent`, `tracestate` and `baggage`

mod exporter;
mod headers;
mod settings;
mod span;

pub use opentelemetry::KeyValue;

pub use self::exporter::Exporter;
pub use self::headers::inject;
pub use self::settings::TraceSettings;
pub use self::span::OpenSpan;
