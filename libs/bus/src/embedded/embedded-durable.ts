import type { Context } from '@opentelemetry/api';
import type { BatchHandler, ConsumerDefinition, Delivery, Subscription } from '../bus.js';
import { Dispatcher } from '../dispatch/dispatcher.js';
import { type Defect, Item } from '../dispatch/item.js';
import type { BusEnvironment } from '../options.js';
import type { EmbeddedDeadLetters } from './embedded-dead-letters.js';

/** One durable reader. Of several handlers the first works, the others stand by. */
export class EmbeddedDurable<T> {
  readonly #consumer: ConsumerDefinition<T>;
  readonly #capacity: number;
  readonly #env: BusEnvironment;
  readonly #deadLetters: EmbeddedDeadLetters;
  readonly #freed: () => void;
  readonly #dispatcher: Dispatcher<T, Item<T>>;
  readonly #handlers: BatchHandler<T>[] = [];
  #overflowed = false;

  constructor(
    consumer: ConsumerDefinition<T>,
    capacity: number,
    env: BusEnvironment,
    deadLetters: EmbeddedDeadLetters,
    freed: () => void,
  ) {
    this.#consumer = consumer;
    this.#capacity = capacity;
    this.#env = env;
    this.#deadLetters = deadLetters;
    this.#freed = freed;
    this.#dispatcher = new Dispatcher(consumer, (batch) => this.#handle(batch), this, env);
  }

  /** Whether publishers have to wait. They never wait for a durable that nobody reads. */
  get full(): boolean {
    return this.#handlers.length > 0 && this.#dispatcher.size >= this.#capacity;
  }

  push(message: T, context: Context): void {
    if (this.#handlers.length === 0 && this.#dispatcher.size >= this.#capacity) this.#overflow();
    if (!this.#overflowed) this.#dispatcher.push(new Item(message, context));
  }

  /** @returns the subscription, and whether messages were dropped since somebody read last */
  attach(handler: BatchHandler<T>): { subscription: Subscription; overflowed: boolean } {
    // A function of its own, so that stop() removes this one even when a handler is given twice.
    const own: BatchHandler<T> = (batch) => handler(batch);
    this.#handlers.push(own);
    const overflowed = this.#overflowed;
    this.#overflowed = false;
    this.#dispatcher.resume();
    return { subscription: { stop: () => this.#detach(own) }, overflowed };
  }

  /** Forgets what was not handled. */
  async clear(): Promise<void> {
    await this.#dispatcher.withdraw(() => true);
  }

  settle(): void {
    this.#env.metrics.lag(this.#consumer.stream.name, this.#consumer.durable, this.#dispatcher.size);
    this.#freed();
  }

  async park(item: Item<T>, defect: Defect): Promise<void> {
    this.#deadLetters.park(this.#consumer, item, defect);
  }

  #handle(batch: readonly Delivery<T>[]): Promise<void> {
    const [handler] = this.#handlers;
    return handler ? handler(batch) : Promise.reject(new Error('nobody reads'));
  }

  async #detach(handler: BatchHandler<T>): Promise<void> {
    const place = this.#handlers.indexOf(handler);
    if (place === -1) return;
    const paused = this.#dispatcher.pause();
    this.#handlers.splice(place, 1);
    await paused;
    if (this.#handlers.length > 0) this.#dispatcher.resume();
    this.#freed();
  }

  #overflow(): void {
    this.#overflowed = true;
    void this.clear();
  }
}
