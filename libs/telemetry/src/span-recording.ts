import { context, propagation, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  SimpleSpanProcessor,
  type SpanExporter,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node';
import type { TracedService, TracingOptions } from './tracing.js';

/** Starts the SDK of OpenTelemetry; what it returns flushes and ends it. */
export function recordSpans(
  { otlpEndpoint, sampleRatio = 1, exporter }: TracingOptions,
  { service, instance, version }: TracedService,
): () => Promise<void> {
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': `ganglion-${service}`,
      'service.instance.id': instance,
      'service.version': version,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [
      exporter ? new SimpleSpanProcessor(exporter) : new BatchSpanProcessor(otlpExporter(otlpEndpoint as string)),
    ],
  });
  provider.register();
  return async () => {
    await provider.shutdown();
    trace.disable();
    context.disable();
    propagation.disable();
  };
}

function otlpExporter(endpoint: string): SpanExporter {
  const base = endpoint.replace(/\/+$/, '');
  return new OTLPTraceExporter({ url: base.endsWith('/v1/traces') ? base : `${base}/v1/traces` });
}
