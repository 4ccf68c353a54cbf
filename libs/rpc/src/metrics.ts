import type { Counter, Histogram, Metrics } from '@ganglion/telemetry';
import { status } from '@grpc/grpc-js';
import type { Method } from './definition.js';

const CODES = Object.keys(status).filter((name) => Number.isNaN(Number(name)));
const METHOD = { service: undefined, method: undefined };

/** Calls of one side, by service and method; failures by gRPC code as well. */
export class CallMetrics {
  readonly #seconds: Histogram | undefined;
  readonly #failures: Counter | undefined;
  readonly #retries: Counter | undefined;

  constructor(side: 'client' | 'server', metrics: Metrics | undefined) {
    this.#seconds = metrics?.histogram({
      name: `ganglion_rpc_${side}_seconds`,
      help: `Calls between services and how long they took, seen from the ${side}.`,
      labels: METHOD,
    });
    this.#failures = metrics?.counter({
      name: `ganglion_rpc_${side}_failures_total`,
      help: `Calls between services that did not succeed, seen from the ${side}.`,
      labels: { ...METHOD, code: CODES },
    });
    if (side === 'server') return;
    this.#retries = metrics?.counter({
      name: 'ganglion_rpc_client_retries_total',
      help: 'Attempts after the first of a call.',
      labels: METHOD,
    });
  }

  /** A call has ended, with an error unless its code is undefined. */
  ended({ service, name }: Method, start: number, code?: string): void {
    if (!this.#seconds) return;
    this.#seconds.observe((performance.now() - start) / 1000, { service, method: name });
    if (code !== undefined) this.#failures?.inc({ service, method: name, code });
  }

  retried({ service, name }: Method): void {
    this.#retries?.inc({ service, method: name });
  }
}
