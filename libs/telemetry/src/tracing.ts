import { context, propagation, trace } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace-node';

export interface TracingOptions {
  /** Base URL of an OTLP/HTTP collector, such as http://collector:4318. */
  readonly otlpEndpoint?: string;
  /** The share of new traces that is recorded, 0 to 1; a caller's decision is followed. */
  readonly sampleRatio?: number;
  /** Takes the spans instead of a collector. */
  readonly exporter?: SpanExporter;
}

export interface TracedService {
  readonly service: string;
  readonly instance: string;
  readonly version: string;
}

/**
 * Turns tracing on for this process when there is somewhere to send spans to. The SDK costs some megabytes, so it is
 * loaded only then; code that makes spans uses nothing but the API.
 *
 * @returns what flushes and ends tracing, or undefined when tracing stays off
 */
export async function startTracing(
  { otlpEndpoint, sampleRatio = 1, exporter }: TracingOptions,
  { service, instance, version }: TracedService,
): Promise<(() => Promise<void>) | undefined> {
  if (!exporter && !otlpEndpoint) return undefined;
  const [sdk, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/resources'),
  ]);
  const processor = exporter
    ? new sdk.SimpleSpanProcessor(exporter)
    : new sdk.BatchSpanProcessor(await otlpExporter(otlpEndpoint as string));
  const provider = new sdk.NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': `ganglion-${service}`,
      'service.instance.id': instance,
      'service.version': version,
    }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [processor],
  });
  provider.register();
  return async () => {
    await provider.shutdown();
    trace.disable();
    context.disable();
    propagation.disable();
  };
}

async function otlpExporter(endpoint: string): Promise<SpanExporter> {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const base = endpoint.replace(/\/+$/, '');
  return new OTLPTraceExporter({ url: base.endsWith('/v1/traces') ? base : `${base}/v1/traces` });
}
