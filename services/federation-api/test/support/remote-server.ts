import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { generateSigningKey, type JsonObject, parseJson, publishServerKeys, type SigningKey } from '@ganglion/protocol';
import type { CertificateFiles } from '@ganglion/testing';

/** A request that came to a remote server. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly body: JsonObject;
}

/** What is answered: an object, or a status with one. */
export type Answer = JsonObject | { readonly status: number; readonly body: JsonObject } | undefined;
type Handler = (request: Received) => Answer | Promise<Answer>;

/** Another homeserver, as far as a test makes it one. */
export class RemoteServer {
  readonly requests: Received[] = [];
  readonly #handlers: { readonly method: string; readonly path: RegExp; readonly handler: Handler }[] = [];
  key: SigningKey = generateSigningKey('r_1');

  private constructor(
    readonly name: string,
    readonly server: Server,
  ) {
    this.on('GET', /^\/_matrix\/key\/v2\/server$/, () => this.publishedKeys());
  }

  /** Listens on an address of this machine, with a certificate of that address. Call `ready` of the protocol first. */
  static async start(files: CertificateFiles, host = '127.0.0.1'): Promise<RemoteServer> {
    const server = createServer({ cert: readFileSync(files.cert), key: readFileSync(files.key) });
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const remote = new RemoteServer(`${host}:${(server.address() as AddressInfo).port}`, server);
    server.on('request', async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { pathname, searchParams } = new URL(request.url ?? '/', 'https://x');
      const received = {
        method: request.method ?? '',
        path: decodeURIComponent(pathname),
        query: searchParams,
        authorization: request.headers.authorization,
        body: chunks.length === 0 ? {} : (parseJson(Buffer.concat(chunks).toString()) as JsonObject),
      };
      const answer = await remote.#answer(received);
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
    });
    return remote;
  }

  /** Answers requests to a path, from now on. */
  on(method: string, path: RegExp, handler: Handler): this {
    this.#handlers.unshift({ method, path, handler });
    return this;
  }

  publishedKeys(more: JsonObject = {}): JsonObject {
    return { ...publishServerKeys(this.name, this.key, Date.now() + 3_600_000), ...more };
  }

  /** How often it was asked for something. */
  asked(path: RegExp): number {
    return this.requests.filter((request) => path.test(request.path)).length;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #answer(request: Received): Promise<{ status: number; body: JsonObject }> {
    this.requests.push(request);
    const found = this.#handlers.find(({ method, path }) => method === request.method && path.test(request.path));
    const answer = await found?.handler(request);
    if (answer === undefined) return { status: 404, body: { errcode: 'M_UNRECOGNIZED', error: 'no such thing' } };
    return typeof answer.status === 'number' && 'body' in answer
      ? (answer as { status: number; body: JsonObject })
      : { status: 200, body: answer as JsonObject };
  }
}
