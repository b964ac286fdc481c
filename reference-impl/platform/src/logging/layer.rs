//! The tracing layer that turns events into lines.

use chrono::Utc;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::{LogSettings, Record};

/// Writes each event with the fields of the spans around it.
pub(super) struct LineLayer {
    render: fn(&Record) -> String,
    write: fn(String),
    with_source: bool,
}

impl LineLayer {
    pub(super) fn new(settings: LogSettings, write: fn(String)) -> Self {
        Self {
            render: settings.render,
            write,
            with_source: settings.level >= LevelFilter::DEBUG,
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LineLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(Scope::from_root)
        {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.members.extend_from_slice(&outer.members);
            }
        }
        event.record(&mut fields);
        let metadata = event.metadata();
        if fields.message.is_empty() {
            // Some libraries report with fields only.
            metadata.target().clone_into(&mut fields.message);
        }
        (self.write)((self.render)(&Record {
            time: Utc::now(),
            level: *metadata.level(),
            message: fields.message,
            source: self.with_source.then(|| source(metadata)),
            fields: fields.members,
        }));
    }
}

fn source(metadata: &Metadata<'_>) -> String {
    match (metadata.file(), metadata.line()) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        _ => metadata.target().to_owned(),
    }
}

/// The fields of an event or a span; the message apart.
#[derive(Default)]
struct Fields {
    message: String,
    members: Vec<(String, Value)>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            ("message", other) => self.message = other.to_string(),
            (name, value) => self.members.push((name.to_owned(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.add(field, format!("{value:?}").into());
    }
}
