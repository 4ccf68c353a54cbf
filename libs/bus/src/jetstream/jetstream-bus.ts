import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type MsgHdrs, nuid } from '@nats-io/transport-node';
import { context } from '@opentelemetry/api';
import type {
  BatchHandler,
  Bus,
  ConsumerDefinition,
  OutgoingMessage,
  ParkedMessage,
  PublishOptions,
  ResetReason,
  StreamDefinition,
  Subscription,
  Topic,
  TopicHandler,
} from '../bus.js';
import { BusClosedError, BusUnavailableError, inWords, MessageTooLargeError } from '../errors.js';
import { checkConsumer, checkStream, checkTopic, shardOf } from '../names.js';
import { type BusOptions, environmentOf } from '../options.js';
import { ResetListeners } from '../reset-listeners.js';
import { Connection, type ConnectOptions } from './connection.js';
import { ConsumerGroup } from './consumer-group.js';
import type { JetStreamCore } from './core.js';
import { DeadLetters } from './dead-letters.js';
import { JetStreamTopics } from './jetstream-topics.js';
import { MESSAGE_ID, traceHeaders } from './message-headers.js';
import { Naming } from './naming.js';
import { persist } from './persist.js';
import { Publisher } from './publisher.js';
import { deadLetterSpec, StreamRegistry, type StreamSpec, specOf } from './stream-registry.js';

export interface JetStreamOptions extends BusOptions, ConnectOptions {
  /** Copies of each stream; more than one needs a cluster of NATS servers. */
  readonly replicas?: number;
  /** What all names on the servers begin with. */
  readonly namespace?: string;
}

const NAMESPACE = 'ganglion';
const PARKED = 100;
/** Servers that elect a leader lose requests: asking again soon is better than waiting long. */
const API_TIMEOUT_MS = 2_500;

/**
 * A bus across processes, on NATS JetStream (2.9 or newer).
 *
 * @throws BusUnavailableError when no server answers before the connect deadline
 */
export async function connectJetStreamBus(options: JetStreamOptions): Promise<Bus> {
  const env = environmentOf(options);
  const connection = await Connection.open(options, env.logger);
  const resets = new ResetListeners(env.logger);
  const naming = new Naming(options.namespace ?? NAMESPACE);
  const jsm = await jetstreamManager(connection.nc, { checkAPI: false, timeout: API_TIMEOUT_MS });
  const registry = new StreamRegistry(connection, jsm, options.replicas ?? 1);
  registry.on('replaced', (lost) => {
    const stream = naming.defined(lost);
    if (stream !== undefined) resets.tell({ kind: 'stream-lost', stream });
  });
  const js = jetstream(connection.nc, { timeout: API_TIMEOUT_MS });
  return new JetStreamBus({ connection, js, jsm, registry, naming, env }, resets);
}

class JetStreamBus implements Bus {
  readonly #core: JetStreamCore;
  readonly #resets: ResetListeners;
  readonly #instance = nuid.next();
  readonly #publishers = new Map<string, Publisher>();
  readonly #deadLetters: DeadLetters;
  readonly #topics: JetStreamTopics;
  readonly #subscriptions = new Set<Subscription>();
  #recovery = new AbortController();
  #published = 0;
  #closed = false;

  constructor(core: JetStreamCore, resets: ResetListeners) {
    this.#core = core;
    this.#resets = resets;
    this.#topics = new JetStreamTopics(core);
    this.#deadLetters = new DeadLetters(core, this.#publisher('dead-letter', deadLetterSpec(core.naming)));
    core.connection.on('up', () => void this.#recover());
    core.connection.on('down', () => {
      if (!this.#closed) resets.tell({ kind: 'disconnected' });
    });
  }

  get maxMessageBytes(): number {
    return this.#core.connection.maxMessageBytes;
  }

  get connected(): boolean {
    return this.#core.connection.connected;
  }

  publish<T>(stream: StreamDefinition<T>, message: T, options: PublishOptions): Promise<void> {
    return this.publishAll(stream, [{ message, ...options }]);
  }

  publishAll<T>(stream: StreamDefinition<T>, messages: readonly OutgoingMessage<T>[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new BusClosedError();
      if (messages.length === 0) resolve();
      const publisher = this.#publisherOf(stream);
      const encoded = messages.map(({ message }) => this.#encode(stream, message));
      let missing = messages.length;
      const done = (error?: Error) => {
        if (error) reject(error);
        else if (--missing === 0) resolve();
      };
      for (const [index, { key, id }] of messages.entries()) {
        const subject = this.#core.naming.shard(stream.name, shardOf(key, stream.shards));
        publisher.send(subject, encoded[index] as Uint8Array, this.#headers(id), done);
      }
    });
  }

  async consume<T>(consumer: ConsumerDefinition<T>, handler: BatchHandler<T>): Promise<Subscription> {
    this.#refuseWhenClosed();
    checkConsumer(consumer);
    const { connection, env } = this.#core;
    const group = new ConsumerGroup(this.#core, consumer, handler, this.#deadLetters);
    const signal = AbortSignal.timeout(env.publishDeadlineMs);
    const what = `declare durable ${consumer.durable} of stream ${consumer.stream.name}`;
    await persist(what, connection, signal, env.logger, () => group.declare()).catch((error: unknown) => {
      throw new BusUnavailableError(`cannot ${what}: ${inWords(error)}`, { cause: error });
    });
    this.#refuseWhenClosed();
    group.start();
    return this.#tracked(group);
  }

  broadcast<T>(topic: Topic<T>, message: T, key?: string): void {
    if (!this.#closed) this.#topics.broadcast(topic, message, key);
  }

  async listen<T>(topic: Topic<T>, handler: TopicHandler<T>, options?: { key?: string }): Promise<Subscription> {
    this.#refuseWhenClosed();
    checkTopic(topic);
    return this.#tracked(await this.#topics.listen(topic, handler, options?.key));
  }

  onReset(listener: (reason: ResetReason) => void): () => void {
    return this.#resets.add(listener);
  }

  parked(limit = PARKED): Promise<readonly ParkedMessage[]> {
    return this.#deadLetters.newest(limit);
  }

  async health(): Promise<void> {
    const { connection, jsm } = this.#core;
    if (this.#closed) throw new BusUnavailableError('the bus is closed');
    if (!connection.connected) throw new BusUnavailableError('there is no connection to NATS');
    for (const [stream, { problem }] of this.#publishers) {
      if (problem !== undefined) throw new BusUnavailableError(`stream ${stream} takes no messages: ${problem}`);
    }
    await connection.answer(jsm.getAccountInfo()).catch((error: unknown) => {
      throw new BusUnavailableError(`JetStream does not answer: ${inWords(error)}`, { cause: error });
    });
  }

  async drain(): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.stop()));
    const { connection } = this.#core;
    connection.sendNow();
    // Acknowledgements that do not leave now are made up for by idempotent consumers.
    if (connection.connected) await connection.answer(connection.nc.flush()).catch(() => {});
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.drain();
    this.#recovery.abort();
    for (const publisher of this.#publishers.values()) publisher.close();
    await this.#core.connection.close();
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new BusClosedError();
  }

  #publisherOf<T>(stream: StreamDefinition<T>): Publisher {
    const known = this.#publishers.get(stream.name);
    if (known) return known;
    checkStream(stream);
    return this.#publisher(stream.name, specOf(stream, this.#core.naming));
  }

  #publisher(label: string, spec: StreamSpec): Publisher {
    const { connection, registry, env } = this.#core;
    const publisher = new Publisher(label, spec, connection, registry, env);
    this.#publishers.set(label, publisher);
    return publisher;
  }

  /** @throws MessageTooLargeError before anything is sent */
  #encode<T>({ codec }: StreamDefinition<T>, message: T): Uint8Array {
    const bytes = codec.encode(message);
    if (bytes.length > this.maxMessageBytes) throw new MessageTooLargeError(bytes.length, this.maxMessageBytes);
    return bytes;
  }

  /** Every message has an id, so that sending it again after a lost acknowledgement does not store it twice. */
  #headers(id: string | undefined): MsgHdrs {
    const headers = traceHeaders(context.active());
    headers.set(MESSAGE_ID, id ?? `${this.#instance}.${++this.#published}`);
    return headers;
  }

  /** What listens is told only when the streams are there again, so that catching up leaves no gap. */
  async #recover(): Promise<void> {
    this.#recovery.abort();
    this.#recovery = new AbortController();
    const { connection, registry, env } = this.#core;
    const { signal } = this.#recovery;
    try {
      await persist('find the streams', connection, signal, env.logger, () => registry.ensureAll());
      this.#resets.tell({ kind: 'reconnected' });
    } catch {
      // Closed, or the connection was lost and has come back again: the next recovery tells.
    }
  }

  #tracked(subscription: Subscription): Subscription {
    const tracked: Subscription = {
      stop: async () => {
        this.#subscriptions.delete(tracked);
        await subscription.stop();
      },
    };
    this.#subscriptions.add(tracked);
    return tracked;
  }
}
