import { type Context, context } from '@opentelemetry/api';
import type { BatchHandler, ConsumerDefinition, OutgoingMessage, Subscription } from '../bus.js';
import { BusClosedError, BusUnavailableError } from '../errors.js';
import type { BusEnvironment } from '../options.js';
import type { EmbeddedDeadLetters } from './embedded-dead-letters.js';
import { EmbeddedDurable } from './embedded-durable.js';
import { RecentIds } from './recent-ids.js';

interface Waiting<T> {
  readonly message: T;
  readonly context: Context;
  readonly id: string | undefined;
  readonly done: (error?: Error) => void;
}

const DONE = Promise.resolve();

/** Passes messages to the durables of one stream. It keeps nothing for readers that were never declared. */
export class EmbeddedStream<T> {
  readonly #name: string;
  readonly #capacity: number;
  readonly #env: BusEnvironment;
  readonly #deadLetters: EmbeddedDeadLetters;
  readonly #durables = new Map<string, EmbeddedDurable<T>>();
  readonly #recent = new RecentIds();
  #waiting: Waiting<T>[] = [];

  constructor(name: string, capacity: number, env: BusEnvironment, deadLetters: EmbeddedDeadLetters) {
    this.#name = name;
    this.#capacity = capacity;
    this.#env = env;
    this.#deadLetters = deadLetters;
  }

  publish(message: T, id: string | undefined): Promise<void> {
    if (this.#waiting.length > 0 || this.#full()) return this.#wait(message, id);
    this.#pass(message, context.active(), id);
    return DONE;
  }

  async publishAll(messages: readonly OutgoingMessage<T>[]): Promise<void> {
    const waiting: Promise<void>[] = [];
    for (const { message, id } of messages) {
      const published = this.publish(message, id);
      if (published !== DONE) waiting.push(published);
    }
    if (waiting.length > 0) await Promise.all(waiting);
  }

  attach(
    consumer: ConsumerDefinition<T>,
    handler: BatchHandler<T>,
  ): { subscription: Subscription; overflowed: boolean } {
    let durable = this.#durables.get(consumer.durable);
    if (!durable) {
      durable = new EmbeddedDurable(consumer, this.#capacity, this.#env, this.#deadLetters, () => this.#admit());
      this.#durables.set(consumer.durable, durable);
    }
    return durable.attach(handler);
  }

  /** Lets nobody wait any longer. */
  close(): void {
    for (const { done } of this.#waiting.splice(0)) done(new BusClosedError());
  }

  /** Forgets what was not handled. */
  async clear(): Promise<void> {
    await Promise.all([...this.#durables.values()].map((durable) => durable.clear()));
  }

  #full(): boolean {
    for (const durable of this.#durables.values()) if (durable.full) return true;
    return false;
  }

  #pass(message: T, active: Context, id: string | undefined): void {
    if (id !== undefined && !this.#recent.add(id)) return;
    this.#env.metrics.published(this.#name, 1);
    for (const durable of this.#durables.values()) durable.push(message, active);
  }

  #wait(message: T, id: string | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#refuse(waiting), this.#env.publishDeadlineMs);
      const done = (error?: Error) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve();
      };
      const waiting: Waiting<T> = { message, context: context.active(), id, done };
      this.#waiting.push(waiting);
    });
  }

  #refuse(waiting: Waiting<T>): void {
    this.#waiting = this.#waiting.filter((other) => other !== waiting);
    this.#env.metrics.refused(this.#name);
    waiting.done(new BusUnavailableError(`the readers of stream ${this.#name} are too far behind`));
  }

  /** Lets in who waited, in order, as far as there is room. */
  #admit(): void {
    let admitted = 0;
    for (const { message, context: active, id, done } of this.#waiting) {
      if (this.#full()) break;
      this.#pass(message, active, id);
      done();
      admitted++;
    }
    if (admitted > 0) this.#waiting = this.#waiting.slice(admitted);
  }
}
