import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  type NatsConnection,
  wsconnect,
} from '@nats-io/transport-node';
import { BusClosedError, BusUnavailableError, inWords } from '../errors.js';
import type { BusLogger } from '../options.js';

export interface ConnectOptions {
  /** `nats://host:port`, `tls://…` or `wss://…`; the other servers of the cluster are found by themselves. */
  readonly servers: readonly string[];
  /** What the servers call this process in their logs. */
  readonly name?: string;
  /** A file of NATS credentials (.creds). */
  readonly credentialsFile?: string;
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
  /** How long to wait for a first connection. */
  readonly connectDeadlineMs?: number;
}

const CONNECT_DEADLINE_MS = 30_000;
const REQUEST_TIMEOUT_MS = 5_000;
/** Three of them without an answer, and the connection is taken for lost. */
const PING_MS = 1_500;
/** What servers take unless told otherwise. */
const DEFAULT_MAX_PAYLOAD = 2 ** 20;
/** What our headers (an id, a trace) may need. */
const HEADERS_BYTES = 2 ** 12;
const RETRY_MS = 250;
const RECONNECT_MS = { min: 100, jitter: 900 };

/** A connection to NATS that comes back for as long as it is not closed, and says when it goes (down) and comes (up). */
export class Connection extends EventEmitter<{ up: []; down: [] }> {
  readonly nc: NatsConnection;
  readonly #logger: BusLogger;
  readonly #toSend: (() => void)[] = [];
  #connected = true;
  #closing = false;

  /** @throws BusUnavailableError when no server answers before the deadline */
  static async open(options: ConnectOptions, logger: BusLogger): Promise<Connection> {
    const deadline = performance.now() + (options.connectDeadlineMs ?? CONNECT_DEADLINE_MS);
    const overWebSocket = options.servers.some((server) => /^wss?:/.test(server));
    const settings = natsOptions(options);
    while (true) {
      try {
        return new Connection(await (overWebSocket ? wsconnect(settings) : connect(settings)), logger);
      } catch (error) {
        const words = `cannot connect to NATS at ${options.servers.join(', ')}: ${inWords(error)}`;
        if (performance.now() > deadline) throw new BusUnavailableError(words, { cause: error });
        logger.warn({ servers: options.servers, err: error }, 'cannot connect to NATS yet');
        await sleep(RETRY_MS);
      }
    }
  }

  private constructor(nc: NatsConnection, logger: BusLogger) {
    super();
    this.setMaxListeners(0);
    this.nc = nc;
    this.#logger = logger;
    void this.#watch();
  }

  /** The most bytes that the payload of a message may have. The limit of the server counts its headers, too. */
  get maxMessageBytes(): number {
    return (this.nc.info?.max_payload ?? DEFAULT_MAX_PAYLOAD) - HEADERS_BYTES;
  }

  get connected(): boolean {
    return this.#connected && !this.nc.isClosed();
  }

  /** @throws BusClosedError when the connection is closed, AbortError when the signal says so */
  async whenConnected(signal?: AbortSignal): Promise<void> {
    while (!this.connected) {
      if (this.#closing) throw new BusClosedError();
      await once(this, 'up', signal ? { signal } : {});
    }
  }

  /** Runs it together with whatever else is to be sent in this turn of the event loop: all of that is one write. */
  soon(send: () => void): void {
    if (this.#toSend.push(send) === 1) setImmediate(() => this.sendNow());
  }

  /** Sends what waits for the end of this turn: what is asked for next must not come before it. */
  sendNow(): void {
    for (const send of this.#toSend.splice(0)) send();
  }

  /** Waits for an answer, but not beyond the connection that the question was sent on. */
  async answer<T>(asked: Promise<T>): Promise<T> {
    const done = new AbortController();
    const lost = once(this, 'down', { signal: done.signal }).then(
      () => Promise.reject(new BusUnavailableError('the connection to NATS was lost')),
      () => new Promise<never>(() => {}),
    );
    try {
      return await Promise.race([asked, lost]);
    } finally {
      done.abort();
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.nc.close();
    this.emit('up');
  }

  async #watch(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === 'disconnect') this.#down();
      if (status.type === 'reconnect') this.#up();
    }
    this.#down();
    if (!this.#closing) this.#logger.error({}, 'the connection to NATS ended for good');
  }

  #up(): void {
    this.#logger.info({ server: this.nc.getServer() }, 'connected to NATS again');
    this.#connected = true;
    this.emit('up');
  }

  #down(): void {
    if (!this.#connected) return;
    if (!this.#closing) this.#logger.warn({}, 'the connection to NATS was lost');
    this.#connected = false;
    this.emit('down');
  }
}

function natsOptions({ servers, name, credentialsFile, tls }: ConnectOptions): ConnectionOptions {
  return {
    servers: [...servers],
    ...(name !== undefined && { name }),
    ...(tls && { tls }),
    // Read again for each connection, as the files of certificates are: they may be renewed meanwhile.
    ...(credentialsFile !== undefined && { authenticator: credsAuthenticator(() => readFileSync(credentialsFile)) }),
    timeout: REQUEST_TIMEOUT_MS,
    pingInterval: PING_MS,
    noAsyncTraces: true,
    ignoreAuthErrorAbort: true,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => RECONNECT_MS.min + Math.random() * RECONNECT_MS.jitter,
  };
}
