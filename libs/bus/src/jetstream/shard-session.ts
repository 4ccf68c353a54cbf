import { setTimeout as sleep } from 'node:timers/promises';
import type { Msg, Subscription } from '@nats-io/transport-node';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import type { ConsumerDefinition } from '../bus.js';
import type { Defect } from '../dispatch/item.js';
import { BusClosedError, BusUnavailableError, inWords } from '../errors.js';
import type { Position } from './claims.js';
import type { JetStreamCore } from './core.js';
import { HeldItems } from './held-items.js';
import { JetStreamItem } from './jetstream-item.js';
import { contextOf } from './message-headers.js';
import { persist } from './persist.js';
import { ShardOrder } from './shard-order.js';
import { readLive, type StoredMessage } from './stored-message.js';
import { StoredMessages } from './stored-messages.js';
import { type StreamSpec, specOf } from './stream-registry.js';

const REOPEN_MS = 100;
/** How long a server that has just come to lead a stream may need to know all of it. */
const BEHIND_MS = 5_000;
const HELD_BYTES = 2 ** 22;
const HELD_MESSAGES = 1_024;
/** From so many lost readers on, messages are handed over one at a time until it is known which one ends them. */
const CAREFUL_AFTER = 2;
const CAREFUL_MESSAGES = 1_000;
/** A message that was begun more often than this for each attempt that is allowed is taken to end its process. */
const BEGUN_PER_ATTEMPT = 3;

/** How a reader of a shard begins. */
export interface Beginning {
  readonly position: Position | undefined;
  /** How many readers in a row were lost at this position. */
  readonly losses: number;
  /** Keeps which message is handed over next, and says how often it was; undefined when it is somebody else's. */
  readonly begin: (sequence: number, position: Position) => Promise<number | undefined>;
}

/**
 * Reads one shard for as long as this process has the claim to it: what is stored behind its position, and what the
 * servers repeat as soon as they have stored it. It survives the loss of the connection, of servers and of the stream:
 * each time it looks where the stream is and reads on from its own position.
 */
export class ShardSession<T> {
  readonly #core: JetStreamCore;
  readonly #consumer: ConsumerDefinition<T>;
  readonly #shard: number;
  readonly #accept: (item: JetStreamItem<T>) => void;
  readonly #spec: StreamSpec;
  readonly #stored: StoredMessages;
  readonly #beginning: Beginning;
  readonly #stopping = new AbortController();
  readonly #held = new HeldItems<T>();
  readonly #order = new ShardOrder();
  readonly #live: Subscription;
  readonly #running: Promise<void>;
  #identity: string | undefined;
  /** Ends the present round of reading with a reason. */
  #lose: (reason: Error) => void = () => {};
  /** Whether the stream that the connection leads to is known to be the one that is read. */
  #adopted = false;
  #filling = false;
  #quiet = false;
  /** Since when the stream seems to end before what was read of it. */
  #shortSince: number | undefined;
  /** Whether something was settled since the position was kept. */
  unsaved = false;
  #careful: number;

  constructor(
    core: JetStreamCore,
    consumer: ConsumerDefinition<T>,
    shard: number,
    beginning: Beginning,
    accept: (item: JetStreamItem<T>) => void,
  ) {
    this.#core = core;
    this.#consumer = consumer;
    this.#shard = shard;
    this.#beginning = beginning;
    this.#accept = accept;
    this.#spec = specOf(consumer.stream, core.naming);
    this.#stored = new StoredMessages(core, this.#spec, core.naming.shard(consumer.stream.name, shard));
    this.#careful = beginning.losses >= CAREFUL_AFTER ? CAREFUL_MESSAGES : 0;
    this.#identity = beginning.position?.identity;
    this.#order.startAt(beginning.position?.sequence ?? 0);
    const callback = (error: Error | null, message: Msg) => (error ? this.#lose(error) : this.#hear(message));
    this.#live = core.connection.nc.subscribe(core.naming.live(consumer.stream.name, shard), { callback });
    this.#stopping.signal.addEventListener('abort', () => this.#lose(new BusClosedError()));
    this.#running = this.#run();
  }

  /** About how many messages of the shard are not settled yet. */
  get lag(): number {
    const unread = Math.max(0, this.#order.known - this.#order.read) / this.#consumer.stream.shards;
    return this.#held.size + Math.ceil(unread);
  }

  /** How far the shard was settled; undefined before anything is known of the stream. */
  get position(): Position | undefined {
    if (this.#identity === undefined) return undefined;
    const { first } = this.#held;
    return { identity: this.#identity, sequence: first === undefined ? this.#order.read : first - 1 };
  }

  settled(item: JetStreamItem<T>): void {
    if (!this.#held.remove(item)) return;
    this.unsaved = true;
    if (this.#careful > 0) this.#careful--;
    this.#advance();
  }

  /** Looks whether the stream has more than was heard: who leads it may have died with a message on its lips. */
  async look(): Promise<void> {
    if (!this.#adopted || this.#filling) return;
    const { read } = this.#order;
    const { created, state } = await this.#core.registry.look(this.#spec);
    if (created !== this.#identity || !this.#adopted || this.#filling) return;
    if (this.#isShort(state.last_seq, read)) return this.#leave('the stream has lost its end');
    const quiet = this.#quiet;
    this.#quiet = true;
    if (!quiet) return;
    this.#order.reaches(state.last_seq);
    this.#advance();
  }

  /** Stops reading; nothing arrives any more then. */
  async stop(): Promise<void> {
    this.#adopted = false;
    this.#stopping.abort();
    if (!this.#core.connection.nc.isClosed()) this.#live.unsubscribe();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { connection, registry } = this.#core;
    const down = () => this.#leave('the connection to NATS was lost');
    const replaced = (stream: string) => {
      if (stream === this.#spec.name) this.#leave('the stream was created anew');
    };
    connection.on('down', down);
    registry.on('replaced', replaced);
    while (!this.#stopping.signal.aborted) await this.#readUntilLost();
    registry.off('replaced', replaced);
    connection.off('down', down);
  }

  #leave(reason: string): void {
    this.#adopted = false;
    this.#lose(new BusUnavailableError(reason));
  }

  async #readUntilLost(): Promise<void> {
    const { connection, registry, env } = this.#core;
    const { signal } = this.#stopping;
    const labels = { stream: this.#consumer.stream.name, durable: this.#consumer.durable, shard: this.#shard };
    try {
      await persist(`read for ${labels.durable}`, connection, signal, env.logger, () => this.#adopt());
      signal.throwIfAborted();
      await this.#lost();
    } catch (error) {
      this.#adopted = false;
      if (signal.aborted || error instanceof BusClosedError) return this.#stopping.abort();
      if (connection.connected) env.logger.warn({ ...labels, err: error }, 'a shard cannot be read; trying again');
      registry.forget(this.#spec.name);
      await sleep(REOPEN_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Goes on behind its position, or at the beginning of a stream that is another one. */
  async #adopt(): Promise<void> {
    const { registry } = this.#core;
    const { created, state } = await registry.look(this.#spec);
    const another = this.#identity !== undefined && this.#identity !== created;
    if (another) this.#startOver();
    else if (this.#isShort(state.last_seq, this.#order.read)) {
      const since = performance.now() - (this.#shortSince ?? 0);
      if (since < BEHIND_MS) throw new BusUnavailableError('the stream ends before what was read of it');
      this.#startOver();
      registry.rewound(this.#spec.name);
    }
    this.#identity = created;
    this.#order.startAt(this.#order.read);
    this.#order.reaches(state.last_seq);
    this.#adopted = !this.#stopping.signal.aborted;
  }

  #startOver(): void {
    this.#held.clear();
    this.#order.startAt(0);
    this.#shortSince = undefined;
  }

  #isShort(last: number, read: number): boolean {
    if (last >= read) this.#shortSince = undefined;
    else this.#shortSince ??= performance.now();
    return last < read;
  }

  /** Reads on, and rejects when that is no longer possible. */
  #lost(): Promise<never> {
    return new Promise((_, reject) => {
      this.#lose = reject;
      if (this.#adopted) this.#advance();
      else reject(new BusUnavailableError('the connection to NATS was lost'));
    });
  }

  #hear(message: Msg): void {
    const live = readLive(message);
    if (!live || this.#stopping.signal.aborted) return;
    this.#quiet = false;
    if (!this.#adopted) return;
    if (this.#order.hear(live)) this.#advance();
    else this.#doubt();
  }

  /** A stream that says a second time what comes at a place may be another one. */
  #doubt(): void {
    this.#core.registry.look(this.#spec).catch(() => {});
  }

  get #full(): boolean {
    if (this.#careful > 0) return this.#held.size > 0;
    const most = Math.max(2 * this.#consumer.maxBatch, HELD_MESSAGES);
    return this.#held.size >= most || (this.#held.bytes >= HELD_BYTES && this.#held.size > 0);
  }

  /** Accepts what is here and in order, and has the rest read from the store. */
  #advance(): void {
    if (!this.#adopted) return;
    this.#takeHeard();
    if (!this.#full && this.#order.behind && !this.#filling) void this.#fill();
  }

  async #fill(): Promise<void> {
    this.#filling = true;
    const identity = this.#identity;
    try {
      while (this.#adopted && this.#identity === identity && this.#order.behind && !this.#full) {
        await this.#fillNext(() => this.#adopted && this.#identity === identity);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#filling = false;
    }
    this.#advance();
  }

  async #fillNext(still: () => boolean): Promise<void> {
    const { known, read } = this.#order;
    const { shards } = this.#consumer.stream;
    const { upTo, messages } = await this.#stored.window(read + 1, known, shards);
    if (!still()) return;
    for (const message of messages) {
      // What there is no room for now is read again.
      if (this.#full) return;
      if (this.#order.takeStored(message)) this.#take(message);
    }
    this.#order.nothingUpTo(upTo);
    this.#takeHeard();
  }

  #takeHeard(): void {
    while (!this.#full) {
      const heard = this.#order.takeHeard();
      if (!heard) return;
      this.#take(heard);
    }
  }

  #take(source: StoredMessage): void {
    this.#quiet = false;
    const item = this.#read(source);
    this.#held.add(item);
    if (this.#careful > 0) void this.#begin(item);
    else this.#accept(item);
  }

  /** Should it end this process, the next reader knows which one it was. */
  async #begin(item: JetStreamItem<T>): Promise<void> {
    const { position } = this;
    const { sequence } = item.source;
    try {
      const times = position && (await this.#beginning.begin(sequence, position));
      if (!this.#held.has(item)) return;
      if (times === undefined) throw new BusUnavailableError('the claim to the shard was lost');
      item.defect ??= this.#suspicion(times);
      this.#accept(item);
    } catch (error) {
      if (!this.#held.remove(item)) return;
      this.#order.startAt(sequence - 1);
      this.#fail(error);
    }
  }

  #suspicion(times: number): Defect | undefined {
    if (times <= BEGUN_PER_ATTEMPT * this.#consumer.maxAttempts) return undefined;
    return { reason: 'unsettled', detail: `begun ${times} times and never settled` };
  }

  #read(source: StoredMessage): JetStreamItem<T> {
    const alone = this.#careful > 0;
    try {
      const message = this.#consumer.stream.codec.decode(source.data);
      return new JetStreamItem(this, source, message, contextOf(source.headers), alone);
    } catch (error) {
      const defect: Defect = { reason: 'undecodable', detail: inWords(error) };
      return new JetStreamItem(this, source, undefined as T, ROOT_CONTEXT, alone, defect);
    }
  }

  #fail(error: unknown): void {
    this.#lose(error instanceof Error ? error : new Error(inWords(error)));
  }
}
