import { nuid } from '@nats-io/transport-node';
import type { BatchHandler, ConsumerDefinition, Subscription } from '../bus.js';
import { Dispatcher } from '../dispatch/dispatcher.js';
import type { Defect } from '../dispatch/item.js';
import { assignShards } from './assignment.js';
import { Claims } from './claims.js';
import type { JetStreamCore } from './core.js';
import type { DeadLetters } from './dead-letters.js';
import { ensureDurable } from './durable.js';
import type { JetStreamItem } from './jetstream-item.js';
import { Presence } from './presence.js';
import { ShardSession } from './shard-session.js';
import { claimsSpec, specOf } from './stream-registry.js';

interface Ownership<T> {
  readonly session: ShardSession<T>;
  version: number;
}

/**
 * This process' part in reading a durable. The processes that read it share its shards: each shard has one reader at a
 * time, so that its order holds, and every process computes from who is there which shards are its own. A shard changes
 * hands when its reader gives up the claim, or was not heard of for some seconds.
 */
export class ConsumerGroup<T> implements Subscription {
  readonly #core: JetStreamCore;
  readonly #consumer: ConsumerDefinition<T>;
  readonly #deadLetters: DeadLetters;
  readonly #id = nuid.next();
  readonly #dispatcher: Dispatcher<T, JetStreamItem<T>>;
  readonly #claims: Claims;
  readonly #presence: Presence;
  readonly #owned = new Map<number, Ownership<T>>();
  readonly #revalidate = () => this.#schedule(() => this.#validate([...this.#owned.keys()]));
  #work: Promise<void> = Promise.resolve();
  #rebalancing = false;
  #stopping = false;

  constructor(
    core: JetStreamCore,
    consumer: ConsumerDefinition<T>,
    handler: BatchHandler<T>,
    deadLetters: DeadLetters,
  ) {
    this.#core = core;
    this.#consumer = consumer;
    this.#deadLetters = deadLetters;
    this.#dispatcher = new Dispatcher(consumer, handler, this, core.env);
    this.#claims = new Claims(core, consumer as ConsumerDefinition<never>);
    const subject = core.naming.presence(consumer.stream.name, consumer.durable);
    this.#presence = new Presence(
      core.connection,
      subject,
      this.#id,
      () => [...this.#owned.keys()],
      () => this.#rebalanceSoon(),
    );
  }

  /** Declares the durable. @throws when the server does not answer */
  async declare(): Promise<void> {
    const { registry, naming } = this.#core;
    await Promise.all([registry.ensure(specOf(this.#consumer.stream, naming)), registry.ensure(claimsSpec(naming))]);
    await Promise.all(this.#shards().map((shard) => ensureDurable(this.#core, this.#consumer, shard)));
  }

  start(): void {
    this.#core.connection.on('up', this.#revalidate);
    this.#presence.start();
    this.#rebalanceSoon();
  }

  async stop(): Promise<void> {
    if (this.#stopping) return this.#work;
    this.#stopping = true;
    this.#core.connection.off('up', this.#revalidate);
    this.#schedule(async () => {
      await Promise.all([...this.#owned.keys()].map((shard) => this.#release(shard)));
      this.#presence.stop();
    });
    await this.#work;
  }

  settle(items: readonly JetStreamItem<T>[]): void {
    for (const item of items) item.session.settled(item);
    let lag = 0;
    for (const { session } of this.#owned.values()) lag += session.lag;
    this.#core.env.metrics.lag(this.#consumer.stream.name, this.#consumer.durable, lag);
  }

  park(item: JetStreamItem<T>, defect: Defect): Promise<void> {
    return this.#deadLetters.park(this.#consumer, item, defect);
  }

  #shards(): number[] {
    return [...Array(this.#consumer.stream.shards).keys()];
  }

  /** One change at a time. What cannot be done now is tried again with the next beat of the presence. */
  #schedule(change: () => Promise<void>): void {
    this.#work = this.#work.then(change).catch((error: unknown) => {
      const { connection, env } = this.#core;
      if (connection.connected) env.logger.warn({ durable: this.#consumer.durable, err: error }, 'cannot share shards');
    });
  }

  #rebalanceSoon(): void {
    if (this.#rebalancing || this.#stopping || !this.#core.connection.connected) return;
    this.#rebalancing = true;
    this.#schedule(async () => {
      this.#rebalancing = false;
      if (!this.#stopping) await this.#rebalance();
    });
  }

  async #rebalance(): Promise<void> {
    const readers = assignShards(this.#presence.members, this.#consumer.stream.shards);
    const mine = (shard: number) => readers[shard] === this.#id;
    const disputed = [...this.#owned.keys()].filter((shard) => this.#presence.readerOf(shard) !== undefined);
    if (disputed.length > 0) await this.#validate(disputed);
    const changes = this.#shards()
      .filter((shard) => mine(shard) !== this.#owned.has(shard))
      .map((shard) => (mine(shard) ? this.#acquire(shard) : this.#release(shard)));
    if (changes.length === 0) return;
    await Promise.all(changes).finally(() => this.#presence.announce());
  }

  async #acquire(shard: number): Promise<void> {
    const { owner, version } = await this.#claims.read(shard);
    if (owner !== undefined && owner !== this.#id && !this.#presence.isGone(owner)) return;
    const claimed = await this.#claims.write(shard, this.#id, version);
    if (claimed === undefined) return;
    const session = new ShardSession(this.#core, this.#consumer, shard, (item) => this.#dispatcher.push(item));
    this.#owned.set(shard, { session, version: claimed });
  }

  async #release(shard: number): Promise<void> {
    const owned = this.#owned.get(shard);
    if (!owned) return;
    await this.#leave(shard, owned.session);
    if (this.#core.connection.connected) await this.#claims.write(shard, undefined, owned.version);
  }

  async #leave(shard: number, session: ShardSession<T>): Promise<void> {
    this.#owned.delete(shard);
    await session.stop();
    // What is here is handled here: NATS 2.9 is slow to hand out again what is given back, and may do so twice.
    await this.#dispatcher.finish((item) => item.session === session);
    session.giveBack();
  }

  /** Claims can get lost with the server's files, or go to others while this process did not run. */
  async #validate(shards: readonly number[]): Promise<void> {
    await Promise.all(shards.map((shard) => this.#validateOne(shard)));
  }

  async #validateOne(shard: number): Promise<void> {
    const owned = this.#owned.get(shard);
    if (!owned) return;
    const { owner, version } = await this.#claims.read(shard);
    if (owner === this.#id) return;
    const claimed = owner === undefined ? await this.#claims.write(shard, this.#id, version) : undefined;
    if (claimed === undefined) return this.#leave(shard, owned.session);
    owned.version = claimed;
  }
}
