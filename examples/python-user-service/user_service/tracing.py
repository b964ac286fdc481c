"""Traces: OpenTelemetry's SDK with its instrumentations of grpc.aio and asyncpg; off without a collector."""

import logging
import threading

import grpc
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.instrumentation.grpc import aio_server_interceptor, filters
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from user_service.config import Config
from user_service.health import SERVICE


class Tracing:
    def __init__(self, config: Config):
        self.interceptors: list[grpc.aio.ServerInterceptor] = []
        self._provider = None
        if not config.otel_exporter_otlp_endpoint:
            return
        attributes = {
            "service.name": config.service_name,
            "service.version": config.service_version,
            "environment": config.environment,
        }
        self._provider = TracerProvider(
            resource=Resource.create(attributes),
            sampler=ParentBasedTraceIdRatio(config.otel_traces_sampler_arg),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(endpoint=config.otel_exporter_otlp_endpoint)
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter, schedule_delay_millis=config.otel_bsp_schedule_delay)
        )
        # A stream that is cancelled while it writes ends in another context, which the SDK would log as an error.
        logging.getLogger("opentelemetry.context").setLevel(logging.CRITICAL)
        AsyncPGInstrumentor().instrument(tracer_provider=self._provider)
        self.interceptors = [aio_server_interceptor(self._provider, filter_=filters.service_name(SERVICE))]

    def stop(self, seconds: float) -> None:
        """Sends what is held; a collector that hangs is given up after this time."""
        if self._provider:
            # The SDK's own shutdown waits up to 30 s.
            sending = threading.Thread(target=self._provider.shutdown, daemon=True)
            sending.start()
            sending.join(seconds)


def name_call(method: str) -> str | None:
    """Names the call's span as the conventions do, without the slash that the instrumentation leaves; its trace id."""
    span = trace.get_current_span()
    span.update_name(method.removeprefix("/"))
    context = span.get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None
