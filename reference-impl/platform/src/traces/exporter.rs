//! From the start to the last span: the OpenTelemetry SDK, which sends spans in batches on a thread of its own.

use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider,
};

use super::TraceSettings;
use crate::settings::{Identity, SettingError};

/// Spans that wait to be sent: more than TRC-1 requires, since a batch that is under way can hang.
const QUEUE: usize = 8192;

/// How long the last batches may take at the stop; a collector that hangs does not delay it further (TRC-7).
const LAST_EXPORT: Duration = Duration::from_secs(5);

/// The tracer of this process; none if nothing is traced.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Sends the spans of this process.
pub struct Exporter(Option<SdkTracerProvider>);

impl Exporter {
    /// Traces from now on, if there is an endpoint.
    pub fn start(settings: &TraceSettings, identity: &Identity) -> Result<Self, SettingError> {
        let Some(endpoint) = &settings.endpoint else {
            return Ok(Self(None));
        };
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint.to_string())
            .build()
            .map_err(|error| SettingError::new("OTEL_EXPORTER_OTLP_ENDPOINT", error.to_string()))?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_scheduled_delay(settings.schedule_delay)
            .build();
        let new_traces = Sampler::TraceIdRatioBased(settings.sampled_share);
        let provider = SdkTracerProvider::builder()
            .with_resource(resource(identity))
            // A decision that comes with a request is followed (TRC-6).
            .with_sampler(Sampler::ParentBased(Box::new(new_traces)))
            .with_span_processor(
                BatchSpanProcessor::builder(exporter)
                    .with_batch_config(batches)
                    .build(),
            )
            .build();
        TRACER.get_or_init(|| provider.tracer("platform"));
        Ok(Self(Some(provider)))
    }

    /// Sends the spans that are left, for `limit` at most (TRC-1, CFG-8).
    pub async fn stop(self, limit: Duration) {
        let Some(provider) = self.0 else { return };
        let limit = limit.min(LAST_EXPORT);
        // It blocks: a thread that hangs does not hold up the end of the program.
        let stopped = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(limit));
        let stopped = tokio::time::timeout(limit, stopped).await;
        if !matches!(stopped, Ok(Ok(Ok(())))) {
            tracing::warn!("the last spans could not be sent");
        }
    }
}

/// TRC-2
fn resource(identity: &Identity) -> Resource {
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", identity.name.clone()),
            KeyValue::new("service.version", identity.version.clone()),
            KeyValue::new("environment", identity.environment.clone()),
        ])
        .build()
}

/// What makes spans; none if nothing is traced.
pub(super) fn tracer() -> Option<&'static SdkTracer> {
    TRACER.get()
}
