// Traces: OpenTelemetry's SDK with its instrumentations of HTTP and gRPC; loaded only where there is a collector.

import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node';

const PROBES = /^\/(health|ready|live|metrics)(\?|$)/;

/** Comes before what is instrumented is imported; the result's `shutdown` sends what is held. */
export function startTracing(config) {
  const attributes = {
    'service.name': config.serviceName,
    'service.version': config.serviceVersion,
    environment: config.environment,
  };
  const exporter = new OTLPTraceExporter({ url: config.otlpEndpoint });
  const provider = new NodeTracerProvider({
    resource: defaultResource().merge(resourceFromAttributes(attributes)),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(config.tracesSamplerArg) }),
    spanProcessors: [
      new CallNames(),
      new BatchSpanProcessor(exporter, { scheduledDelayMillis: config.bspScheduleDelay }),
    ],
  });
  provider.register();
  registerInstrumentations({
    instrumentations: [
      new HttpInstrumentation({
        ignoreIncomingRequestHook: (request) => PROBES.test(request.url),
        disableOutgoingRequestInstrumentation: true,
      }),
      new GrpcInstrumentation({ ignoreGrpcMethods: ['Check'] }),
    ],
  });
  return provider;
}

/** Names calls as the semantic conventions do, without the instrumentation's prefix `grpc.`. */
class CallNames {
  onStart(span) {
    if (span.name.startsWith('grpc.')) span.updateName(span.name.slice('grpc.'.length));
  }
  onEnd() {}
  async forceFlush() {}
  async shutdown() {}
}
