import { createLogger, type Logger, type LogLevel } from './logger.js';
import { Metrics } from './metrics.js';
import { startTracing, type TracingOptions } from './tracing.js';

export interface TelemetryOptions {
  /** The service's name, such as `room-server`. */
  readonly service: string;
  /** Which replica of it this is. */
  readonly instance: string;
  readonly version: string;
  readonly log: { readonly level: LogLevel; readonly format: 'json' | 'pretty' };
  readonly traces?: TracingOptions;
}

export interface Telemetry {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Sends what is left of spans and log lines. */
  shutdown(): Promise<void>;
}

/** Logs, metrics and traces of one process. Traces are off, and cost nothing, unless they have somewhere to go. */
export async function createTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { service, instance, version, log } = options;
  const destination = log.format === 'pretty' ? await linesForPeople() : undefined;
  const logger = createLogger({
    level: log.level,
    bindings: { service, instance },
    ...(destination && { destination }),
  });
  const metrics = new Metrics();
  metrics.collectProcess();
  metrics
    .gauge({ name: 'ganglion_build_info', help: 'Which version runs here.', labels: ['service', 'version'] })
    .set(1, { service, version });
  const stopTracing = await startTracing(options.traces ?? {}, options);
  return {
    logger,
    metrics,
    async shutdown() {
      await stopTracing?.().catch((error: unknown) => logger.warn({ err: error }, 'the last spans could not be sent'));
      await new Promise<void>((resolve) => logger.flush(() => resolve()));
      metrics.clear();
    },
  };
}

/** Loaded on demand: a server in a cluster logs JSON and never needs it. */
async function linesForPeople() {
  const { prettyDestination } = await import('./pretty.js');
  return prettyDestination();
}
