import type { Logger, Metrics } from '@ganglion/telemetry';
import { Server, type UntypedServiceImplementation } from '@grpc/grpc-js';
import './quiet.js';
import { BundleServer } from './bundle/bundle-server.js';
import { methodsOf, type ServiceDefinition } from './definition.js';
import { healthService } from './health-service.js';
import { MAX_MESSAGE_BYTES } from './limits.js';
import { CallMetrics } from './metrics.js';
import { server, unaryHandler } from './server-handler.js';
import { serverCredentials, type TlsFiles } from './tls.js';

export interface RpcServerOptions {
  /** host:port; port 0 takes any that is free. */
  readonly listen: string;
  readonly tls?: TlsFiles;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

const SERVER_OPTIONS = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc-node.flow_control_window': 1024 * 1024,
  'grpc.enable_channelz': 0,
};

const DRAIN_MS = 10_000;

/** Serves interfaces to other processes. */
export class RpcServer {
  readonly #server = new Server(SERVER_OPTIONS);
  readonly #bundles = new BundleServer();
  readonly #options: RpcServerOptions;
  readonly #metrics: CallMetrics;
  #state: 'new' | 'serving' | 'draining' = 'new';
  #port = 0;
  #drained: Promise<void> | undefined;

  constructor(options: RpcServerOptions) {
    this.#options = options;
    this.#metrics = new CallMetrics('server', options.metrics);
    const { definition, implementation } = healthService(() => this.#state === 'serving');
    this.#server.addService(definition, implementation);
    this.#server.addService(this.#bundles.definition, this.#bundles.implementation);
  }

  /** The port it listens at, once started. */
  get port(): number {
    return this.#port;
  }

  /** Serves a service with an object that implements its interface. */
  add<T extends object>(definition: ServiceDefinition, implementation: T): this {
    const handlers: UntypedServiceImplementation = {};
    const methods: Record<string, object> = {};
    for (const method of methodsOf(definition)) {
      const serve = (implementation as Record<string, unknown>)[method.key];
      if (typeof serve !== 'function') throw new Error(`${method.service}.${method.name} has no handler`);
      const context = {
        metrics: this.#metrics,
        logger: this.#options.logger,
        refusing: () => this.#state === 'draining',
      };
      const served = server(method, serve.bind(implementation), context);
      this.#bundles.add(method.path, served);
      handlers[method.key] = unaryHandler(served, context) as never;
      methods[method.key] = {
        path: method.path,
        requestStream: false,
        responseStream: false,
        requestSerialize: (bytes: Buffer) => bytes,
        // Read where a failure to do so is seen.
        requestDeserialize: (bytes: Buffer) => bytes,
        // The handler has written it already, where a failure to do so is seen.
        responseSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
      };
    }
    this.#server.addService(methods as never, handlers);
    return this;
  }

  /** @throws Error when the address cannot be listened at */
  async start(): Promise<void> {
    const { listen, tls, logger } = this.#options;
    const onFault = (error: Error) =>
      logger?.warn({ err: error }, 'renewed certificates between services are not used');
    this.#port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(listen, serverCredentials(tls, onFault), (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
    this.#state = 'serving';
  }

  /** Resolves while calls are accepted. @throws Error otherwise */
  async health(): Promise<void> {
    if (this.#state !== 'serving') throw new Error(`the RPC server is ${this.#state}`);
  }

  /** Refuses new calls, so that callers turn to other replicas, and lets those that run finish. */
  drain(timeoutMs = DRAIN_MS): Promise<void> {
    this.#state = 'draining';
    this.#bundles.drain();
    this.#drained ??= this.#shutdown(timeoutMs);
    return this.#drained;
  }

  /** Drains, then ends what still runs. */
  async close(timeoutMs = DRAIN_MS): Promise<void> {
    await this.drain(timeoutMs);
  }

  async #shutdown(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve())), late]);
    clearTimeout(timer);
    this.#server.forceShutdown();
  }
}
