import type { SpanExporter } from '@opentelemetry/sdk-trace-node';
import { enableTracing } from './spans.js';

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
  options: TracingOptions,
  service: TracedService,
): Promise<(() => Promise<void>) | undefined> {
  if (!options.exporter && !options.otlpEndpoint) return undefined;
  const { recordSpans } = await import('./span-recording.js');
  const stop = recordSpans(options, service);
  enableTracing(true);
  return () => {
    enableTracing(false);
    return stop();
  };
}
