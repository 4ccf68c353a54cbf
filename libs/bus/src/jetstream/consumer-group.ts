import { nuid } from '@nats-io/transport-node';
import type { BatchHandler, ConsumerDefinition, Subscription } from '../bus.js';
import { Dispatcher } from '../dispatch/dispatcher.js';
import type { Defect } from '../dispatch/item.js';
import { assignShards } from './assignment.js';
import { Claims, type Position } from './claims.js';
import type { JetStreamCore } from './core.js';
import type { DeadLetters } from './dead-letters.js';
import type { JetStreamItem } from './jetstream-item.js';
import { Presence } from './presence.js';
import { ShardSession } from './shard-session.js';
import { claimsSpec, specOf } from './stream-registry.js';
import { Tenure } from './tenure.js';

interface Ownership<T> {
  readonly session: ShardSession<T>;
  readonly tenure: Tenure;
}

/** What was settled since is handed out again when this process dies. */
const SAVE_MS = 500;
const LOOK_MS = 1_500;

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
  readonly #timers: NodeJS.Timeout[] = [];
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

  /** Makes sure that there is something to read. @throws when the server does not answer */
  async declare(): Promise<void> {
    const { registry, naming } = this.#core;
    await Promise.all([registry.ensure(specOf(this.#consumer.stream, naming)), registry.ensure(claimsSpec(naming))]);
  }

  start(): void {
    this.#core.connection.on('up', this.#revalidate);
    this.#presence.start();
    this.#rebalanceSoon();
    const saveAll = () => this.#each(({ session, tenure }, shard) => this.#save(shard, session, tenure));
    this.#timers.push(setInterval(saveAll, SAVE_MS));
    this.#timers.push(setInterval(() => this.#look(), LOOK_MS));
  }

  async stop(): Promise<void> {
    if (this.#stopping) return this.#work;
    this.#stopping = true;
    this.#core.connection.off('up', this.#revalidate);
    for (const timer of this.#timers) clearInterval(timer);
    this.#schedule(async () => {
      // A claim that cannot be given up now is taken over when this process is no longer heard of.
      await Promise.allSettled([...this.#owned.keys()].map((shard) => this.#release(shard)));
      this.#presence.stop();
    });
    await this.#work;
  }

  settle(items: readonly JetStreamItem<T>[]): void {
    for (const item of items) item.session.settled(item);
    this.#tellLag();
  }

  #tellLag(): void {
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
    const tenure = await Tenure.begin(this.#claims, shard, this.#id, (member) => this.#presence.isGone(member));
    if (!tenure) return;
    const { saved: position, losses } = tenure;
    const begin = async (sequence: number, from: Position) => {
      const times = await tenure.begin(sequence, from);
      if (times === undefined) this.#schedule(() => this.#validate([shard]));
      return times;
    };
    const accept = (item: JetStreamItem<T>) => this.#dispatcher.push(item);
    const session = new ShardSession(this.#core, this.#consumer, shard, { position, losses, begin }, accept);
    this.#owned.set(shard, { session, tenure });
  }

  async #release(shard: number): Promise<void> {
    const owned = this.#owned.get(shard);
    if (!owned) return;
    await this.#leave(shard, owned.session);
    if (this.#core.connection.connected) await owned.tenure.end(owned.session.position);
  }

  /** The next reader begins with what the handler does not have in its hands. */
  async #leave(shard: number, session: ShardSession<T>): Promise<void> {
    this.#owned.delete(shard);
    await session.stop();
    await this.#dispatcher.withdraw((item) => item.session === session);
  }

  /** Claims can get lost with the server's files, or go to others while this process did not run. */
  async #validate(shards: readonly number[]): Promise<void> {
    await Promise.all(shards.map((shard) => this.#validateOne(shard)));
  }

  async #validateOne(shard: number): Promise<void> {
    const owned = this.#owned.get(shard);
    if (owned && !(await owned.tenure.confirm(owned.session.position))) await this.#leave(shard, owned.session);
  }

  /** What cannot be kept now is kept the next time. */
  async #save(shard: number, session: ShardSession<T>, tenure: Tenure): Promise<void> {
    const { position } = session;
    if (!session.unsaved || !position) return;
    session.unsaved = false;
    const kept = await tenure.save(position).catch(() => undefined);
    if (!kept) session.unsaved = true;
    if (kept === false) this.#schedule(() => this.#validate([shard]));
  }

  #look(): void {
    this.#tellLag();
    // What the server does not answer now is asked again in a moment.
    this.#each(({ session }) => session.look().catch(() => {}));
  }

  #each(run: (owned: Ownership<T>, shard: number) => Promise<void>): void {
    if (!this.#core.connection.connected) return;
    for (const [shard, owned] of this.#owned) void run(owned, shard);
  }
}
