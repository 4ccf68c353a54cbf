import type { BatchHandler, ConsumerDefinition } from '../bus.js';
import { inWords, isPermanent } from '../errors.js';
import type { BusEnvironment } from '../options.js';
import type { Defect, Item } from './item.js';
import { Lanes } from './lanes.js';
import { ReadyQueue } from './ready-queue.js';

/** What an adapter does with items that are done with. */
export interface Settlement<I> {
  /** The items were handled or parked: they must not come again. */
  settle(items: readonly I[]): void;
  /** Stores the item as a dead letter. @throws when it could not be stored; it is tried again then */
  park(item: I, defect: Defect): Promise<void>;
}

/**
 * Hands the items of one consumer to its handler: one batch at a time, in order for each key. Temporary failures and
 * defects take different ways: the first are tried again while their key waits, the second are parked.
 */
export class Dispatcher<T, I extends Item<T>> {
  readonly #consumer: ConsumerDefinition<T>;
  readonly #handler: BatchHandler<T>;
  readonly #settlement: Settlement<I>;
  readonly #env: BusEnvironment;
  readonly #ready = new ReadyQueue<I>();
  readonly #lanes: Lanes<I>;
  #size = 0;
  #arrivals = 0;
  #running: Promise<void> | undefined;
  #paused = false;

  constructor(
    consumer: ConsumerDefinition<T>,
    handler: BatchHandler<T>,
    settlement: Settlement<I>,
    env: BusEnvironment,
  ) {
    this.#consumer = consumer;
    this.#handler = handler;
    this.#settlement = settlement;
    this.#env = env;
    this.#lanes = new Lanes<I>(
      (item) => this.#keyOf(item),
      (items) => this.#restore(items),
    );
  }

  /** How many items have not been settled. */
  get size(): number {
    return this.#size;
  }

  push(item: I): void {
    item.order = ++this.#arrivals;
    this.#size++;
    this.#ready.push(item);
    this.#wake();
  }

  /** Starts no further batch; resolves when the one that runs has ended. */
  async pause(): Promise<void> {
    this.#paused = true;
    await this.#running;
  }

  resume(): void {
    this.#paused = false;
    this.#wake();
  }

  /** Takes back the items that the test picks; resolves when none of them is in the handler's hands. */
  async withdraw(test: (item: I) => boolean): Promise<void> {
    this.#withdrawQueued(test);
    await this.#running;
    this.#withdrawQueued(test);
  }

  #withdrawQueued(test: (item: I) => boolean): void {
    this.#size -= this.#lanes.withdraw(test) + this.#ready.withdraw(test);
  }

  #restore(items: readonly I[]): void {
    this.#ready.restore(items);
    this.#wake();
  }

  /** Runs a turn of the event loop later, so that publishing never runs a handler and what comes at once is one batch. */
  #wake(): void {
    if (this.#running || this.#paused || this.#ready.length === 0) return;
    this.#running = new Promise(setImmediate)
      .then(() => (this.#paused ? undefined : this.#deliver(this.#take())))
      .catch((error: unknown) => this.#env.logger.error({ err: error }, 'a batch could not be settled'))
      .finally(() => {
        this.#running = undefined;
        this.#wake();
      });
  }

  #take(): I[] {
    const batch: I[] = [];
    for (let item = this.#ready.peek(); item && batch.length < this.#consumer.maxBatch; item = this.#ready.peek()) {
      const alone = item.alone || item.defect !== undefined;
      if (alone && batch.length > 0) break;
      this.#ready.drop();
      if (this.#lanes.queue(item)) continue;
      batch.push(item);
      if (alone) break;
    }
    return batch;
  }

  async #deliver(batch: readonly I[]): Promise<void> {
    const [first] = batch;
    if (!first) return;
    if (first.defect) await this.#park(first, first.defect);
    else if (!(await this.#succeeds(batch))) await this.#oneByOne(batch);
  }

  /** A single item that fails is taken care of; a batch that fails is not, since nobody knows which item it was. */
  async #succeeds(batch: readonly I[]): Promise<boolean> {
    this.#env.metrics.delivered(this.#consumer.stream.name, this.#consumer.durable, batch.length);
    try {
      await this.#handler(batch);
    } catch (error) {
      if (batch.length > 1) return false;
      await this.#failed(batch[0] as I, error);
      return true;
    }
    this.#settle(batch);
    return true;
  }

  async #oneByOne(batch: readonly I[]): Promise<void> {
    for (const [index, item] of batch.entries()) {
      if (this.#paused) {
        this.#ready.restore(batch.slice(index));
        return;
      }
      if (!this.#lanes.queue(item)) await this.#succeeds([item]);
    }
  }

  async #failed(item: I, error: unknown): Promise<void> {
    const { stream, durable, maxAttempts } = this.#consumer;
    if (isPermanent(error)) return this.#park(item, { reason: 'poison', detail: inWords(error) });
    if (item.attempt >= maxAttempts) return this.#park(item, { reason: 'exhausted', detail: inWords(error) });
    this.#env.metrics.retried(stream.name, durable);
    this.#lanes.block(item, this.#backoff(item.attempt));
    item.attempt++;
    item.alone = true;
  }

  async #park(item: I, defect: Defect): Promise<void> {
    const labels = { stream: this.#consumer.stream.name, durable: this.#consumer.durable, reason: defect.reason };
    try {
      await this.#settlement.park(item, defect);
    } catch (error) {
      this.#env.logger.warn({ ...labels, err: error }, 'a message could not be parked; trying again');
      item.alone = true;
      item.defect = defect;
      this.#lanes.block(item, this.#backoff(item.attempt));
      return;
    }
    this.#env.metrics.parked(labels.stream, labels.durable, labels.reason);
    this.#env.logger.error({ ...labels, attempts: item.attempt }, 'a message was parked');
    this.#settle([item]);
  }

  #settle(items: readonly I[]): void {
    this.#size -= items.length;
    this.#settlement.settle(items);
  }

  #backoff(attempt: number): number {
    const { backoffMs } = this.#consumer;
    return backoffMs[Math.min(attempt, backoffMs.length) - 1] ?? 0;
  }

  /** What nobody could read or tell the key of shares one key: it is on its way out. */
  #keyOf(item: I): string {
    if (item.defect) return '';
    try {
      return this.#consumer.key(item.message);
    } catch {
      return '';
    }
  }
}
