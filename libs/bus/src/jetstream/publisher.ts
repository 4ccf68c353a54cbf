import { setTimeout as sleep } from 'node:timers/promises';
import { createInbox, InvalidArgumentError, type Msg, type MsgHdrs, type Subscription } from '@nats-io/transport-node';
import { BusClosedError, BusUnavailableError, inWords, MessageTooLargeError } from '../errors.js';
import type { BusEnvironment } from '../options.js';
import type { Connection } from './connection.js';
import { pauseAfter } from './persist.js';
import { readAck } from './publish-ack.js';
import type { StreamRegistry, StreamSpec } from './stream-registry.js';

interface Entry {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: MsgHdrs;
  readonly deadline: number;
  readonly done: (error?: Error) => void;
  sentAt: number;
}

const WINDOW = 2_048;
const ACK_TIMEOUT_MS = 3_000;
const SWEEP_MS = 200;

/**
 * Stores messages in one stream without waiting for one before sending the next. Whatever goes wrong, it stops, makes
 * sure that the stream exists, and sends again in the old order what was not acknowledged; the server drops what it
 * has already, by message id. (The client library's publish would wait for its timeout when the connection is lost,
 * and could not keep the order.)
 */
export class Publisher {
  readonly #spec: StreamSpec;
  readonly #connection: Connection;
  readonly #registry: StreamRegistry;
  readonly #env: BusEnvironment;
  readonly #label: string;
  readonly #inbox = createInbox();
  readonly #replies: Subscription;
  readonly #closing = new AbortController();
  readonly #stall = () => this.#stop('the connection to NATS was lost');
  readonly #inFlight = new Map<number, Entry>();
  #queue: Entry[] = [];
  #flowing = false;
  #isPumping = false;
  #recovering = false;
  #failures = 0;
  #sent = 0;
  #sweeper: NodeJS.Timeout | undefined;
  #problem: string | undefined;

  constructor(label: string, spec: StreamSpec, connection: Connection, registry: StreamRegistry, env: BusEnvironment) {
    this.#label = label;
    this.#spec = spec;
    this.#connection = connection;
    this.#registry = registry;
    this.#env = env;
    const callback = (error: Error | null, message: Msg) => (error ? this.#stop(inWords(error)) : this.#reply(message));
    this.#replies = connection.nc.subscribe(`${this.#inbox}.*`, { callback });
    connection.on('down', this.#stall);
  }

  /** Why messages wait to be stored, if they do. */
  get problem(): string | undefined {
    return this.#queue.length > 0 && !this.#flowing ? this.#why : undefined;
  }

  /**
   * Calls `done` when the message is stored, or with the reason why it was not: a MessageTooLargeError, a
   * BusUnavailableError or a BusClosedError.
   */
  send(subject: string, payload: Uint8Array, headers: MsgHdrs, done: (error?: Error) => void): void {
    if (this.#closing.signal.aborted) {
      done(new BusClosedError());
      return;
    }
    const deadline = performance.now() + this.#env.publishDeadlineMs;
    const entry: Entry = { subject, payload, headers, deadline, done, sentAt: 0 };
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS);
    this.#queue.push(entry);
    if (this.#flowing) this.#pumpSoon();
    else void this.#recover();
  }

  close(): void {
    this.#connection.off('down', this.#stall);
    this.#closing.abort();
    this.#stop('the bus is closed');
    for (const { done } of this.#queue.splice(0)) done(new BusClosedError());
    this.#rest();
    if (!this.#connection.nc.isClosed()) this.#replies.unsubscribe();
  }

  #pumpSoon(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#connection.soon(() => {
      this.#isPumping = false;
      if (this.#flowing) this.#pump();
    });
  }

  #pump(): void {
    const free = Math.max(0, WINDOW - this.#inFlight.size);
    const next = this.#queue.slice(0, free);
    this.#queue = this.#queue.slice(free);
    for (const entry of next) this.#transmit(entry);
  }

  #transmit(entry: Entry): void {
    const { subject, payload, headers } = entry;
    entry.sentAt = performance.now();
    const token = ++this.#sent;
    try {
      this.#connection.nc.publish(subject, payload, { reply: `${this.#inbox}.${token}`, headers });
      this.#inFlight.set(token, entry);
    } catch (error) {
      // The connection may lead to a server by now that takes less than the one before.
      const tooLarge = error instanceof InvalidArgumentError;
      entry.done(tooLarge ? this.#tooLarge(entry, error) : new BusUnavailableError(inWords(error), { cause: error }));
    }
  }

  #reply(message: Msg): void {
    const token = Number(message.subject.slice(this.#inbox.length + 1));
    const entry = this.#inFlight.get(token);
    if (!entry) return;
    const refusal = readAck(message);
    if (refusal && !refusal.tooLarge) {
      this.#stop(refusal.words);
      return;
    }
    this.#inFlight.delete(token);
    // An operator can limit a single stream, too. The server does not say to what.
    entry.done(refusal && new MessageTooLargeError(entry.payload.length, undefined, { cause: refusal.words }));
    if (!refusal) this.#env.metrics.published(this.#label, 1);
    this.#flowed();
  }

  #tooLarge({ payload }: Entry, cause: unknown): MessageTooLargeError {
    return new MessageTooLargeError(payload.length, this.#connection.maxMessageBytes, { cause });
  }

  #flowed(): void {
    this.#problem = undefined;
    this.#failures = 0;
    if (this.#queue.length > 0 && this.#inFlight.size <= WINDOW / 2) this.#pump();
    if (this.#queue.length === 0 && this.#inFlight.size === 0) this.#rest();
  }

  /** Takes back what is under way, to be sent again before anything newer. */
  #stop(problem: string): void {
    this.#problem = problem;
    this.#flowing = false;
    this.#queue = [...this.#inFlight.values(), ...this.#queue];
    this.#inFlight.clear();
    this.#registry.forget(this.#spec.name);
    void this.#recover();
  }

  async #recover(): Promise<void> {
    if (this.#recovering) return;
    this.#recovering = true;
    const { signal } = this.#closing;
    while (!this.#flowing && this.#queue.length > 0 && !signal.aborted) {
      try {
        if (this.#failures > 0) await sleep(pauseAfter(this.#failures), undefined, { signal });
        await this.#connection.whenConnected(signal);
        this.#failures++;
        await this.#registry.ensure(this.#spec);
        this.#flowing = true;
      } catch (error) {
        this.#problem = inWords(error);
      }
    }
    this.#recovering = false;
    if (this.#flowing) this.#pump();
  }

  #sweep(): void {
    const now = performance.now();
    const [oldest] = this.#inFlight.values();
    if (oldest && Math.min(oldest.deadline, oldest.sentAt + ACK_TIMEOUT_MS) < now) {
      this.#stop('the server does not acknowledge messages');
    }
    const late = this.#queue.filter(({ deadline }) => deadline < now);
    if (late.length === 0) return;
    this.#queue = this.#queue.filter(({ deadline }) => deadline >= now);
    for (const { done } of late) {
      this.#env.metrics.refused(this.#label);
      done(new BusUnavailableError(`stream ${this.#label} took no message in time: ${this.#why}`));
    }
    if (this.#queue.length === 0) this.#rest();
  }

  get #why(): string {
    return this.#connection.connected ? (this.#problem ?? 'too many are waiting') : 'there is no connection to NATS';
  }

  #rest(): void {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
