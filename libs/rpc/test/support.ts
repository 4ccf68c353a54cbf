import { createLogger, Metrics } from '@ganglion/telemetry';
import { spawnTypeScript, type TestProcess } from '../../testing/src/child-process.js';
import {
  createRpcClient,
  type RpcClientOptions,
  RpcServer,
  type RpcServerOptions,
  staticEndpoints,
} from '../src/index.js';
import { type Echo, EchoDefinition, type EchoRequest, type EchoResponse, echo } from './echo.js';

/** Servers, clients and processes that end together. */
export class Fixture {
  readonly metrics = new Metrics();
  readonly log: string[] = [];
  readonly #ends: (() => Promise<unknown>)[] = [];

  async serve(
    implementation: Echo | ((request: EchoRequest) => Promise<EchoResponse>),
    options: Partial<RpcServerOptions> = {},
  ): Promise<RpcServer> {
    const logger = createLogger({ level: 'info', destination: { write: (line: string) => void this.log.push(line) } });
    const server = new RpcServer({ listen: '127.0.0.1:0', metrics: this.metrics, logger, ...options });
    server.add(EchoDefinition, typeof implementation === 'function' ? echo(implementation) : implementation);
    await server.start();
    this.#ends.push(() => server.close(100));
    return server;
  }

  client(targets: readonly string[], options: Partial<RpcClientOptions> = {}): Echo & { close(): Promise<void> } {
    const resolver = options.resolver ?? staticEndpoints(targets);
    const client = createRpcClient<Echo>(EchoDefinition, { metrics: this.metrics, ...options, resolver });
    this.#ends.unshift(() => client.close());
    return client;
  }

  /** A server in a process of its own, that answers with its name. */
  async spawn(name: string, port = 0): Promise<ServerProcess> {
    const script = new URL('./processes/serve.ts', import.meta.url);
    const process = spawnTypeScript(script, [name, String(port)]);
    this.#ends.push(() => process.kill('SIGKILL'));
    const line = await process.line('listening');
    return { process, name, target: `127.0.0.1:${line.split(' ')[1]}` };
  }

  async end(): Promise<void> {
    for (const end of this.#ends) await end();
  }
}

export interface ServerProcess {
  readonly process: TestProcess;
  readonly name: string;
  readonly target: string;
}

export function targetOf(server: RpcServer): string {
  return `127.0.0.1:${server.port}`;
}

/** A room whose home, among these targets, is the given one. */
export async function roomAt(home: string, whereIs: (roomId: string) => Promise<string>): Promise<string> {
  for (let n = 0; n < 100; n++) {
    if ((await whereIs(`!room${n}:hs`)) === home) return `!room${n}:hs`;
  }
  throw new Error(`no room is at home at ${home}`);
}
