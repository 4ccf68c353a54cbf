import type { Counter, Histogram, Metrics } from '@ganglion/telemetry';
import { status } from '@grpc/grpc-js';
import type { Method } from './definition.js';

const CODES = Object.keys(status).filter((name) => Number.isNaN(Number(name)));
const LABELS = { service: undefined, method: undefined, code: CODES };

/** Calls of one side, by service, method and gRPC code. */
export class CallMetrics {
  readonly #seconds: Histogram | undefined;
  readonly #failures: Counter | undefined;
  readonly #retries: Counter | undefined;

  constructor(side: 'client' | 'server', metrics: Metrics | undefined) {
    this.#seconds = metrics?.histogram({
      name: `ganglion_rpc_${side}_seconds`,
      help: `Calls between services and how long they took, seen from the ${side}.`,
      labels: LABELS,
    });
    this.#failures = metrics?.counter({
      name: `ganglion_rpc_${side}_failures_total`,
      help: `Calls between services that did not succeed, seen from the ${side}.`,
      labels: LABELS,
    });
    this.#retries = metrics?.counter({
      name: `ganglion_rpc_${side}_retries_total`,
      help: 'Attempts after the first of a call.',
      labels: { service: undefined, method: undefined },
    });
  }

  ended({ service, name }: Method, code: string, start: number): void {
    if (!this.#seconds) return;
    const labels = { service, method: name, code };
    this.#seconds.observe((performance.now() - start) / 1000, labels);
    if (code !== 'OK') this.#failures?.inc(labels);
  }

  retried({ service, name }: Method): void {
    this.#retries?.inc({ service, method: name });
  }
}
