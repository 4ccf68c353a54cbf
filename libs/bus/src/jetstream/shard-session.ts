import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumerInfo } from '@nats-io/jetstream';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import type { ConsumerDefinition } from '../bus.js';
import type { Defect } from '../dispatch/item.js';
import { BusClosedError, BusUnavailableError, inWords } from '../errors.js';
import type { JetStreamCore } from './core.js';
import { ensureDurable } from './durable.js';
import { HeldItems } from './held-items.js';
import { JetStreamItem } from './jetstream-item.js';
import { contextOf } from './message-headers.js';
import { persist } from './persist.js';
import { type Acknowledgement, acknowledge, type PullMessage } from './pull-message.js';
import { Puller } from './puller.js';
import { specOf } from './stream-registry.js';

const GATE_POLL_MS = 100;
/** Longer than a cluster takes to elect a leader; only messages that grew too old while they waited never come. */
const GATE_LONGEST_MS = 15_000;
const REOPEN_MS = 100;
const REPLACED = 'the stream was created anew';
/** Above this many deliveries for each attempt that is allowed, a message is taken to end its process. */
const DELIVERIES_PER_ATTEMPT = 3;

/**
 * Reads one shard for as long as this process has the claim to it. It survives the loss of the connection, the durable
 * and the stream: each time it makes sure that they exist and reads on.
 */
export class ShardSession<T> {
  readonly #core: JetStreamCore;
  readonly #consumer: ConsumerDefinition<T>;
  readonly #shard: number;
  readonly #accept: (item: JetStreamItem<T>) => void;
  readonly #stopping = new AbortController();
  readonly #held = new HeldItems<T>();
  readonly #running: Promise<void>;
  #puller: Puller | undefined;
  #identity: string | undefined;
  /** Whether what is held is known to be of the stream that the connection leads to. */
  #adopted = false;
  /** What arrived behind messages that have to come first. */
  #gated: JetStreamItem<T>[] | undefined = [];
  #pending = 0;

  constructor(
    core: JetStreamCore,
    consumer: ConsumerDefinition<T>,
    shard: number,
    accept: (item: JetStreamItem<T>) => void,
  ) {
    this.#core = core;
    this.#consumer = consumer;
    this.#shard = shard;
    this.#accept = accept;
    this.#running = this.#run();
  }

  /** How many messages of the shard are not settled yet, as far as the last delivery told. */
  get lag(): number {
    return this.#pending + this.#held.size;
  }

  settled(item: JetStreamItem<T>): void {
    if (!this.#held.remove(item)) return;
    this.#held.remember(item.source.reply);
    this.#tell(item, '+ACK');
  }

  /** Stops reading; resolves when nothing more can arrive. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#puller?.close();
    await this.#running;
  }

  /** Lets others have what is still held, in order and at once. */
  giveBack(): void {
    const items = this.#held.all().sort((a, b) => a.source.sequence - b.source.sequence);
    for (const item of items) this.#tell(item, '-NAK');
    this.#held.clear();
  }

  async #run(): Promise<void> {
    const { connection, registry } = this.#core;
    const beat = setInterval(() => this.#stillWorking(), this.#consumer.ackWaitMs / 3);
    const lose = () => this.#lose();
    const leave = (stream: string) => this.#leaveReplaced(stream);
    connection.on('down', lose);
    registry.on('replaced', leave);
    while (!this.#stopping.signal.aborted) await this.#readUntilLost();
    registry.off('replaced', leave);
    connection.off('down', lose);
    clearInterval(beat);
  }

  async #readUntilLost(): Promise<void> {
    const { connection, registry, naming, env } = this.#core;
    const { signal } = this.#stopping;
    const labels = { stream: this.#consumer.stream.name, durable: this.#consumer.durable, shard: this.#shard };
    try {
      const info = await persist(`read for ${labels.durable}`, connection, signal, env.logger, () => this.#open());
      signal.throwIfAborted();
      const puller = this.#pull(info);
      await Promise.all([puller.ended, this.#openGate(info, puller)]);
    } catch (error) {
      if (signal.aborted || error instanceof BusClosedError) return this.#stopping.abort();
      if (connection.connected) env.logger.warn({ ...labels, err: error }, 'a shard cannot be read; trying again');
      this.#puller?.abandon('the reader failed');
      registry.forget(naming.stream(labels.stream));
      await sleep(REOPEN_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #open(): Promise<ConsumerInfo> {
    this.#gated ??= [];
    const { registry, naming } = this.#core;
    const spec = specOf(this.#consumer.stream, naming);
    this.#adopt(await registry.ensure(spec));
    const info = await ensureDurable(this.#core, this.#consumer, this.#shard);
    if (registry.identityOf(spec.name) !== this.#identity) throw new BusUnavailableError(REPLACED);
    return info;
  }

  #pull({ stream_name, name }: ConsumerInfo): Puller {
    const next = `$JS.API.CONSUMER.MSG.NEXT.${stream_name}.${name}`;
    const take = (message: PullMessage) => this.#arrived(message);
    this.#puller = new Puller(this.#core.connection.nc, next, this.#consumer.maxBatch, take);
    return this.#puller;
  }

  #lose(): void {
    this.#adopted = false;
    this.#puller?.abandon('the connection to NATS was lost');
  }

  /** A server that deletes a stream may not tell who reads it. */
  #leaveReplaced(stream: string): void {
    const { registry, naming } = this.#core;
    if (stream !== naming.stream(this.#consumer.stream.name)) return;
    if (registry.identityOf(stream) !== this.#identity) this.#puller?.abandon(REPLACED);
  }

  /** The sequences of a stream that was created anew mean other messages. */
  #adopt(identity: string): void {
    if (this.#identity !== undefined && this.#identity !== identity) {
      this.#held.clear();
      this.#gated = [];
    }
    this.#identity = identity;
    this.#adopted = true;
    for (const reply of this.#held.acknowledged) acknowledge(this.#core.connection.nc, reply, '+ACK');
  }

  #tell(item: JetStreamItem<T>, what: Acknowledgement): void {
    if (this.#adopted) acknowledge(this.#core.connection.nc, item.source.reply, what);
  }

  #stillWorking(): void {
    const since = performance.now() - this.#consumer.ackWaitMs / 3;
    for (const item of this.#held.all()) if (item.arrivedAt < since) this.#tell(item, '+WPI');
  }

  #arrived(source: PullMessage): void {
    this.#pending = source.pending;
    const known = this.#held.get(source.sequence);
    if (known) {
      known.source = source;
      return;
    }
    const item = this.#read(source);
    this.#held.add(item);
    if (this.#gated) this.#gated.push(item);
    else this.#accept(item);
  }

  #read(source: PullMessage): JetStreamItem<T> {
    const unsettled = this.#unsettled(source);
    try {
      const message = this.#consumer.stream.codec.decode(source.raw.data);
      return new JetStreamItem(this, source, message, contextOf(source.raw.headers), unsettled);
    } catch (error) {
      const defect: Defect = { reason: 'undecodable', detail: inWords(error) };
      return new JetStreamItem(this, source, undefined as T, ROOT_CONTEXT, defect);
    }
  }

  /** Only the first of several can be blamed: the others came again because of it. */
  #unsettled({ deliveries }: PullMessage): Defect | undefined {
    if (this.#held.size > 0 || deliveries <= DELIVERIES_PER_ATTEMPT * this.#consumer.maxAttempts) return undefined;
    return { reason: 'unsettled', detail: `handed out ${deliveries} times and never settled` };
  }

  /**
   * Messages that were on their way when the connection or the previous reader was lost come again only after a while;
   * what comes earlier but belongs behind them waits until they are here.
   */
  async #openGate(info: ConsumerInfo, puller: Puller): Promise<void> {
    const deadline = performance.now() + Math.max(GATE_LONGEST_MS, 3 * this.#consumer.ackWaitMs);
    let held: readonly JetStreamItem<T>[] = this.#held.all();
    let unacknowledged = info.num_ack_pending;
    while (this.#missing(held, unacknowledged) && performance.now() < deadline) {
      await Promise.race([sleep(GATE_POLL_MS), puller.ended]);
      if (puller.closed) return;
      held = this.#held.all();
      unacknowledged = (await this.#info(info)).num_ack_pending;
    }
    if (!puller.closed) this.#release();
  }

  /** Counts what was held before the server was asked and is still: nothing that came in between can hide a gap. */
  #missing(before: readonly JetStreamItem<T>[], unacknowledged: number): boolean {
    const here = before.filter((item) => this.#held.get(item.source.sequence) === item).length;
    return unacknowledged > here;
  }

  #info({ stream_name, name }: ConsumerInfo): Promise<ConsumerInfo> {
    return this.#core.connection.answer(this.#core.jsm.consumers.info(stream_name, name));
  }

  #release(): void {
    const items = this.#gated ?? [];
    this.#gated = undefined;
    for (const item of items.sort((a, b) => a.source.sequence - b.source.sequence)) this.#accept(item);
  }
}
