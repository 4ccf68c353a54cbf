import { setTimeout as sleep } from 'node:timers/promises';
import type { MatrixError } from '@ganglion/contracts';
import { type Metrics, tracingEnabled, withSpan } from '@ganglion/telemetry';
import { status } from '@grpc/grpc-js';
import { SpanKind } from '@opentelemetry/api';
import { attempt } from './attempt.js';
import { Balancer } from './balancer.js';
import { type CallScope, currentScope } from './call-scope.js';
import type { Method } from './definition.js';
import type { Endpoint } from './endpoint.js';
import { RpcCancelledError, RpcDeadlineError, RpcError, RpcUnavailableError } from './errors.js';
import { CallMetrics } from './metrics.js';
import type { Resolver } from './resolver.js';
import type { TlsFiles } from './tls.js';
import { type CallFailure, grpcCode, readFailure } from './wire-errors.js';

export interface RpcClientOptions {
  readonly resolver: Resolver;
  /** What a call is about, such as its room: calls about one thing go to one replica while it lives. */
  readonly routingKey?: (method: string, request: Record<string, unknown>) => string | undefined;
  /** How long a call may take with all its retries; what the caller itself has left bounds it as well. */
  readonly deadlineMs?: number;
  /** How often a call is tried again after the first attempt. */
  readonly retries?: number;
  readonly tls?: TlsFiles;
  readonly metrics?: Metrics;
}

const DEADLINE_MS = 10_000;
const RETRIES = 4;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** Makes the calls of one client: chooses a replica, tries again, measures, traces. */
export class Caller {
  readonly #options: RpcClientOptions;
  readonly #balancer: Balancer;
  readonly #metrics: CallMetrics;
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(options: RpcClientOptions) {
    this.#options = options;
    this.#balancer = new Balancer(options.resolver, options.tls);
    this.#metrics = new CallMetrics('client', options.metrics);
  }

  call(method: Method, request: Record<string, unknown>): Promise<unknown> {
    const run = () => this.#measured(method, request);
    const call = tracingEnabled()
      ? withSpan(`${method.service}/${method.name}`, spanAttributes(method), run, { kind: SpanKind.CLIENT })
      : run();
    this.#running.add(call);
    const done = () => this.#running.delete(call);
    call.then(done, done);
    return call;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
    this.#balancer.close();
  }

  async #measured(method: Method, request: Record<string, unknown>): Promise<unknown> {
    const start = performance.now();
    try {
      const response = await this.#call(method, request);
      this.#metrics.ended(method, start);
      return response;
    } catch (error) {
      this.#metrics.ended(
        method,
        start,
        error instanceof RpcError ? error.code : status[grpcCode(error as MatrixError)],
      );
      throw error;
    }
  }

  async #call(method: Method, request: Record<string, unknown>): Promise<unknown> {
    if (this.#closed) throw new RpcUnavailableError('UNAVAILABLE', 'this client is closed');
    const scope = currentScope();
    const bytes = method.encodeRequest(request);
    const key = this.#options.routingKey?.(method.key, request);
    const deadline = Math.min(Date.now() + (this.#options.deadlineMs ?? DEADLINE_MS), scope?.deadline ?? Infinity);
    const retries = this.#options.retries ?? RETRIES;
    let tried: Set<Endpoint> | undefined;
    for (let tries = 0; ; tries++) {
      checkScope(deadline, scope);
      const endpoint = this.#balancer.pick(key, tried);
      const failure = await this.#attempt(endpoint, method, bytes, deadline, scope);
      if ('response' in failure) return failure.response;
      checkScope(deadline, scope);
      const again = failure.transport && (method.idempotent || !failure.begun);
      if (!again || tries >= retries) throw failure.error;
      this.#balancer.suspect();
      this.#metrics.retried(method);
      tried ??= new Set();
      if (endpoint) tried.add(endpoint);
      if (!this.#balancer.hasOthers(tried)) await pause(tries, deadline, scope);
    }
  }

  async #attempt(
    endpoint: Endpoint | undefined,
    method: Method,
    bytes: Buffer,
    deadline: number,
    scope: CallScope | undefined,
  ): Promise<CallFailure | { response: unknown }> {
    if (!endpoint) return unreachable('the service has no known replica');
    if (!endpoint.ready) await endpoint.whenReady(deadline - Date.now());
    // Where connecting has failed, a call fails as well, before it is sent, and says why.
    if (endpoint.connecting) return unreachable(`${method.service} at ${endpoint.target} does not answer`);
    const outcome = await attempt(endpoint, method, bytes, deadline, scope?.signal);
    return 'response' in outcome ? outcome : readFailure(outcome.failed);
  }
}

function unreachable(message: string): CallFailure {
  return { error: new RpcUnavailableError('UNAVAILABLE', message), transport: true, begun: false };
}

function checkScope(deadline: number, scope: CallScope | undefined): void {
  if (scope?.signal?.aborted) throw new RpcCancelledError('CANCELLED', 'the caller gave up');
  if (Date.now() >= deadline) throw new RpcDeadlineError('DEADLINE_EXCEEDED', 'no answer in time');
}

async function pause(tries: number, deadline: number, scope: CallScope | undefined): Promise<void> {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries);
  const ms = Math.min(longest * (0.5 + Math.random() / 2), Math.max(0, deadline - Date.now()));
  await sleep(ms, undefined, scope?.signal ? { signal: scope.signal } : {}).catch(() => {});
}

function spanAttributes({ service, name }: Method): Record<string, string> {
  return { 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': name };
}
