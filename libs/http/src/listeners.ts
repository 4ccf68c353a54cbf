import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Config } from '@ganglion/config';
import { RenewedPem } from '@ganglion/tls';
import { answerUnreadableRequests } from './unreadable-request.js';

const LONGEST_REQUEST_MS = 3_600_000;

type ListenerConfig = Config['http']['listeners'][number];

/** The sockets of one application: any number of plain and TLS listeners in front of one request handler. */
export class Listeners {
  readonly #servers: Server[] = [];
  readonly #forgetCertificates: (() => void)[] = [];

  /** @param onFault told why renewed certificates are not used */
  constructor(
    private readonly configs: readonly ListenerConfig[],
    private readonly handle: RequestListener,
    private readonly onFault: (error: Error) => void,
  ) {}

  /** Listens on all of them; resolves with their URLs. */
  async listen(): Promise<string[]> {
    return Promise.all(this.configs.map((config) => this.#open(config)));
  }

  async #open(config: ListenerConfig): Promise<string> {
    const server = this.#create(config);
    this.#servers.push(server);
    server.keepAliveTimeout = 75_000;
    // The longest that an upload may take; whoever reads a body is stricter.
    server.requestTimeout = LONGEST_REQUEST_MS;
    answerUnreadableRequests(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port: config.port, host: config.host, backlog: 2048 }, resolve);
    });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : config.port;
    const host = config.host.includes(':') ? `[${config.host}]` : config.host;
    return `${config.tls === undefined ? 'http' : 'https'}://${host}:${port}`;
  }

  /** New connections get the certificates as they are now. */
  #create({ tls }: ListenerConfig): Server {
    if (tls === undefined) return createServer(this.handle);
    const pem = new RenewedPem({ cert: tls.cert_file, key: tls.key_file }, this.onFault);
    const server = createTlsServer({ cert: pem.current.cert, key: pem.current.key }, this.handle);
    this.#forgetCertificates.push(pem.watch(({ cert, key }) => server.setSecureContext({ cert, key })));
    return server;
  }

  /** Takes no new connections, lets running requests finish, and cuts only what is left after the deadline. */
  async close(deadlineMs: number): Promise<void> {
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const server of this.#servers) server.closeIdleConnections();
    const cut = setTimeout(() => {
      for (const server of this.#servers) server.closeAllConnections();
    }, deadlineMs);
    await Promise.all(closed);
    clearTimeout(cut);
    for (const forget of this.#forgetCertificates) forget();
  }
}
