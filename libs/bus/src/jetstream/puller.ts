import { createInbox, type Msg, type NatsConnection, nanos, type Subscription } from '@nats-io/transport-node';
import { BusUnavailableError } from '../errors.js';
import { type PullMessage, readPullMessage } from './pull-message.js';

const EXPIRES_MS = 30_000;
const HEARTBEAT_MS = 2_000;
const SILENCE_MS = 2.5 * HEARTBEAT_MS;
const REFUSED_PAUSE_MS = 250;

const IDLE = 100;
const NO_MESSAGES = 404;
const EXPIRED = 408;
/** Answers with which the consumer is gone, or has moved to another server. */
const GONE = /consumer (deleted|is push)|stream deleted|leadership change|server shutdown/i;

/**
 * Asks for the messages of one durable, batch after batch. When it is closed, what the server had sent by then still
 * arrives. (The client library's pull consumer would drop that, and its next reader would have to wait for it.)
 */
export class Puller {
  readonly #nc: NatsConnection;
  readonly #next: string;
  readonly #batch: number;
  readonly #take: (message: PullMessage) => void;
  readonly #inbox = createInbox();
  readonly #subscription: Subscription;
  readonly #ended = Promise.withResolvers<void>();
  readonly #watch: NodeJS.Timeout;
  #outstanding = 0;
  #heard = performance.now();
  #closed = false;

  constructor(nc: NatsConnection, next: string, batch: number, take: (message: PullMessage) => void) {
    this.#nc = nc;
    this.#next = next;
    this.#batch = batch;
    this.#take = take;
    const callback = (error: Error | null, message: Msg) => (error ? this.#fail(error.message) : this.#hear(message));
    this.#subscription = nc.subscribe(this.#inbox, { callback });
    this.#watch = setInterval(() => this.#listen(), HEARTBEAT_MS);
    this.#pull();
  }

  /** Resolves when the puller is closed. @throws BusUnavailableError when the durable cannot be read any more */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves when nothing more can arrive. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    // A connection that is lost meanwhile brings nothing more either.
    if (!this.#nc.isClosed()) await this.#subscription.drain().catch(() => {});
    this.#ended.resolve();
  }

  /** Gives up at once: the connection is gone. */
  abandon(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    if (!this.#nc.isClosed()) this.#subscription.unsubscribe();
    this.#ended.reject(new BusUnavailableError(reason));
  }

  #pull(): void {
    if (this.#closed) return;
    this.#outstanding = this.#batch;
    const request = { batch: this.#batch, expires: nanos(EXPIRES_MS), idle_heartbeat: nanos(HEARTBEAT_MS) };
    this.#nc.publish(this.#next, JSON.stringify(request), { reply: this.#inbox });
  }

  #hear(message: Msg): void {
    this.#heard = performance.now();
    if (message.subject === this.#inbox) this.#status(message);
    else this.#receive(message);
  }

  #receive(message: Msg): void {
    this.#take(readPullMessage(message));
    if (--this.#outstanding === 0) this.#pull();
  }

  #status({ headers }: Msg): void {
    const code = headers?.code ?? 0;
    const words = headers?.description ?? '';
    if (code === IDLE) return;
    if (code === EXPIRED || code === NO_MESSAGES) this.#pull();
    else if (code === 503 || GONE.test(words)) this.#fail(words || 'nobody serves the durable');
    else setTimeout(() => this.#pull(), REFUSED_PAUSE_MS);
  }

  #listen(): void {
    if (performance.now() - this.#heard > SILENCE_MS) this.#fail('the server has gone silent');
  }

  #fail(reason: string): void {
    this.abandon(reason);
  }
}
