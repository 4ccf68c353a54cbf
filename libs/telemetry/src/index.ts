export { createLogger, type Logger, type LoggerOptions, type LogLevel, silentLogger } from './logger.js';
export type { LabelDeclaration, Labels } from './metric-labels.js';
export {
  type Counter,
  type Gauge,
  type Histogram,
  type HistogramOptions,
  type MetricOptions,
  Metrics,
} from './metrics.js';
export { redact, redactText, redactUrl } from './redaction.js';
export { atTracePoint, type TracePoint, tracePoint, tracePointOf, traceparentOf, withSpans } from './shared-work.js';
export { extractContext, inContext, injectContext, tracingEnabled, withSpan } from './spans.js';
export { createTelemetry, type Telemetry, type TelemetryOptions } from './telemetry.js';
export type { TracingOptions } from './tracing.js';
