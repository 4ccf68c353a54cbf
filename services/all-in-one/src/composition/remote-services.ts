import type { Config, ServiceName } from '@ganglion/config';
import type { ServiceDefinition } from '@ganglion/rpc';
import type { Metrics } from '@ganglion/telemetry';

interface Closable {
  close(): Promise<void>;
}

/** Makes the clients for services that run in other processes. The transport is loaded only when there is one. */
export class RemoteServices {
  readonly #clients: Closable[] = [];

  constructor(
    private readonly config: Config,
    private readonly metrics: Metrics,
  ) {}

  /** @throws Error when the configuration does not say where the service is */
  async client<T extends object>(service: ServiceName, definition: ServiceDefinition): Promise<T> {
    const known: Partial<Record<ServiceName, string[]>> = this.config.rpc.endpoints;
    const endpoints = known[service];
    if (endpoints === undefined) {
      throw new Error(`${service} does not run in this process: rpc.endpoints.${service} must say where it does`);
    }
    const { createRpcClient, parseEndpoints } = await import('@ganglion/rpc');
    const client = createRpcClient<T>(definition, {
      resolver: parseEndpoints(endpoints),
      routingKey,
      deadlineMs: this.config.rpc.deadline_ms,
      metrics: this.metrics,
      ...tlsFiles(this.config),
    });
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}

/** Calls about one room go to one replica while it lives, and so do those that ask again how far the same request has come. */
function routingKey(_method: string, { roomId, requestId }: Record<string, unknown>): string | undefined {
  return [roomId, requestId].find((key): key is string => typeof key === 'string' && key !== '');
}

/** @throws Error when only some of the three files are given */
export function tlsFiles({ rpc: { tls } }: Config) {
  if (tls === undefined) return {};
  const { ca_file: ca, cert_file: cert, key_file: key } = tls;
  if (ca === undefined || cert === undefined || key === undefined) {
    throw new Error('rpc.tls needs all of ca_file, cert_file and key_file');
  }
  return { tls: { ca, cert, key } };
}
