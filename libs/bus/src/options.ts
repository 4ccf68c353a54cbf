import type { Logger } from '@ganglion/telemetry';
import type { BusMetrics } from './metrics.js';
import { noMetrics } from './metrics.js';

export type BusLogger = Pick<Logger, 'info' | 'warn' | 'error'>;

/** What every adapter can be given. */
export interface BusOptions {
  readonly metrics?: BusMetrics;
  readonly logger?: BusLogger;
  /** How long publishing waits for a bus that is away or full, before it fails. */
  readonly publishDeadlineMs?: number;
}

/** BusOptions with nothing left open. */
export interface BusEnvironment {
  readonly metrics: BusMetrics;
  readonly logger: BusLogger;
  readonly publishDeadlineMs: number;
}

/** How long an id keeps the same message from being stored again. It costs the server memory for each message. */
export const DUPLICATE_WINDOW_MS = 30_000;

const PUBLISH_DEADLINE_MS = 15_000;
const silent: BusLogger = { info: () => {}, warn: () => {}, error: () => {} };

export function environmentOf(options: BusOptions): BusEnvironment {
  return {
    metrics: options.metrics ?? noMetrics,
    logger: options.logger ?? silent,
    publishDeadlineMs: options.publishDeadlineMs ?? PUBLISH_DEADLINE_MS,
  };
}
